-- Returns: ready, running, scheduled, dead, age (ms) of the oldest among the next 100 ready jobs.
local oldest
local ids = redis.call('ZRANGE', READY, 0, 99)
if #ids > 0 then
  for _, raw in ipairs(redis.call('HMGET', META, unpack(ids))) do
    local meta = read(raw)
    if meta and (not oldest or meta.since < oldest) then oldest = meta.since end
  end
end
local age = 0
if oldest then age = math.max(now() - oldest, 0) end
return { redis.call('ZCARD', READY), redis.call('ZCARD', LEASES), redis.call('ZCARD', SCHEDULED),
  redis.call('ZCARD', DEAD), age }
