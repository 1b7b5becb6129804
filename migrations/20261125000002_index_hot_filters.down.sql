drop table secrets;
drop function instant_of(text);
alter table scim_resources drop column display_name, drop column active;
