drop table pending, changes, team_names, scim_keys, scim_members, scim_resources, tokens, tenants;
drop sequence change_seq;
