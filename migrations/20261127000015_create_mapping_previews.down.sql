drop table mapping_previews;

delete from run_samples where kind = 'deactivation';
alter table run_samples drop constraint run_samples_kind_check;
alter table run_samples add constraint run_samples_kind_check
    check (kind in ('person', 'team', 'membership', 'line', 'waiting'));
