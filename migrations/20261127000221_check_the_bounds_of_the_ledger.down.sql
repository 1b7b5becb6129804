-- Nothing to undo: whether it was checked goes with the constraint.
select 1;
