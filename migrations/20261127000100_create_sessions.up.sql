-- Who is logged in to the dashboard, and links that log somebody in once. Both hang on an operator token: what
-- ends the token ends them. Of a secret only its SHA-256 is kept.

create table sessions (
    tenant_id   bigint not null,
    id          uuid not null,
    token_id    uuid not null,
    secret_hash bytea not null,
    created_at  timestamptz not null default now(),
    expires_at  timestamptz not null,
    seen_at     timestamptz not null default now(),     -- precise to about a minute
    primary key (tenant_id, id),
    foreign key (tenant_id, token_id) references tokens (tenant_id, id) on delete cascade
);
create unique index sessions_secret on sessions (secret_hash);
alter table sessions alter column tenant_id set statistics 0;

create table login_links (
    tenant_id   bigint not null,
    id          uuid not null,
    token_id    uuid not null,
    secret_hash bytea not null,
    expires_at  timestamptz not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, token_id) references tokens (tenant_id, id) on delete cascade
);
create unique index login_links_secret on login_links (secret_hash);
alter table login_links alter column tenant_id set statistics 0;
