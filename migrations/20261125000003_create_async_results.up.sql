-- What became of asynchronous requests (RFC 9967), and the keys their completion events are
-- signed with.

-- One row per operation of a request that was answered 202; a single request is one operation.
-- Kept for 7 days. Whether a write has been applied is asked of `changes` and `pending`.
create table async_results (
    tenant_id   bigint not null,
    txn         uuid not null,
    txn_index   int not null,               -- the operation's place in a bulk request, else 0
    bulk        boolean not null,           -- the txn of its event carries the index
    method      text,                       -- null: the operation named none
    bulk_id     text,
    kind        smallint,                   -- of the resource: 1 User, 2 Group; null: of no known kind
    resource_id uuid,                       -- null: it got no further than its path
    external_id text,                       -- of the resource as accepted
    version     bigint,                     -- null: refused, or the resource is gone
    status      smallint not null,          -- the HTTP status
    error       jsonb,                      -- SCIM error body of a refused operation
    accepted_at timestamptz not null default now(),
    issued_at   timestamptz,                -- `iat` of its event, fixed when it is first seen complete
    primary key (tenant_id, txn, txn_index)
);
-- No statistics of tenants: a plan must not depend on what is known of one (docs/adr/0006).
alter table async_results alter column tenant_id set statistics 0;
create index async_results_age on async_results (accepted_at);

-- Of the whole deployment, not of a tenant. The newest whose time has come signs; older ones
-- are only published.
create table event_keys (
    id          bigint generated always as identity primary key,
    private_key bytea not null,             -- PKCS #8, DER
    signs_from  timestamptz not null,
    created_at  timestamptz not null default now()
);
