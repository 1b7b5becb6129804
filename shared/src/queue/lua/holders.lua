-- ARGV: tenant. Returns how many outstanding jobs it has, then each process that holds jobs and how many.
-- A worker of a version that did not write its name down holds them as ''.
local outstanding = 0
if redis.call('EXISTS', DATA) == 1 then
  outstanding = math.max(tonumber(redis.call('HGET', TENANTS, ARGV[1]) or '0'), 0)
end
local counts = {}
local ids = redis.call('ZRANGE', LEASES, 0, 4999)
if #ids > 0 then
  for _, holder in ipairs(redis.call('HMGET', HOLDERS, unpack(ids))) do
    holder = holder or ''
    counts[holder] = (counts[holder] or 0) + 1
  end
end
local holders = {}
for holder, count in pairs(counts) do table.insert(holders, { holder, count }) end
return { outstanding, holders }
