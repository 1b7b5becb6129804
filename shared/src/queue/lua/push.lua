-- ARGV: cap, tenant, then id and data of each job. Returns how many fitted under the cap.
local cap, tenant = tonumber(ARGV[1]), ARGV[2]
if redis.call('EXISTS', DATA) == 0 then redis.call('DEL', TENANTS) end
local room = cap - tonumber(redis.call('HGET', TENANTS, tenant) or '0')
local count = math.min(room, (#ARGV - 2) / 2)
if count < 1 then return 0 end
local data, metas, ready = {}, {}, {}
for index = 1, count do
  local id = ARGV[index * 2 + 1]
  table.insert(data, id)
  table.insert(data, ARGV[index * 2 + 2])
  table.insert(metas, id)
  table.insert(metas, write({ tenant = tenant, attempt = 1, expired = 0, fence = 0, since = now() }))
  table.insert(ready, int(turn(tenant)))
  table.insert(ready, id)
end
redis.call('HSET', DATA, unpack(data))
redis.call('HSET', META, unpack(metas))
redis.call('ZADD', READY, unpack(ready))
redis.call('HINCRBY', TENANTS, tenant, count)
save_turns()
wake(count)
return count
