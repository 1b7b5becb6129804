drop table login_links;
drop table sessions;
