-- Autovacuum as each table lives. The defaults wait for 50 dead rows and a fifth of the table: right for most of
-- ours (those not named here are small, or only added to), wrong for the two kinds below. Setting this takes a lock
-- that neither reads nor writes wait for.

-- The outboxes. Every row is added, read by index from the front, and deleted within seconds: dead rows lie exactly
-- where the next read begins. How many there may be depends on the pace, not on how much happens to wait: with a
-- million rows of a paused lane in `pending`, a fifth would be 200,000 dead ones. Autovacuum's delay stays as it is: it
-- is short beside the minute until the next look, and without it indexes were found to be a quarter larger, since a
-- vacuum that is over at once can only hand on the pages that the one before it emptied.
alter table pending set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
alter table wakes set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Links that wait: every retry moves its row's entry in `waiters_due` (no heap-only update), and the feeder reads that
-- index from the front each second. Many may wait for years, so a share of them counts too, but a small one.
alter table waiters set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- Kept for days and updated on the way: `state` is in the predicates of four indexes, so no update of it is heap-only.
alter table webhook_deliveries set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
alter table async_results set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

-- Large, and changed in place by nightly rosters: of a million people a fifth would be 200,000 dead rows and as many
-- dead entries in each index before anything is cleaned up, kept as bloat from then on. A twentieth is 50,000. Not less:
-- every vacuum reads all indexes of its table. At the default pace, so that it takes nothing from the writes.
alter table scim_resources set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
alter table scim_keys set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
alter table scim_members set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
alter table people set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
alter table team_members set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
alter table reporting_lines set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
