-- Older versions know three kinds of attribute teams; others go, with who is in them.
delete from team_members m using teams t
    where t.tenant_id = m.tenant_id and t.id = m.team_id
        and t.kind not in ('group', 'department', 'division', 'cost_center');
delete from teams where kind not in ('group', 'department', 'division', 'cost_center');
delete from team_names where kind not in ('department', 'division', 'cost_center');
delete from team_members where source not in ('department', 'division', 'cost_center')
    and not starts_with(source, 'member:');
delete from waiters where slot = 4;
alter table teams drop constraint teams_kind_check,
    add constraint teams_kind_check check (kind in ('group', 'department', 'division', 'cost_center'));
drop table mappings;
