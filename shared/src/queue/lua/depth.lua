-- Returns: ready, running, scheduled, dead, age (ms) of the oldest among the next 100 ready jobs, how many
-- jobs finished lately, and in how long a time (ms).
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
local current, finished = math.floor(now() / SLOT_MS), 0
for slot = current - SLOTS + 1, current do finished = finished + finished_in(slot) end
return { redis.call('ZCARD', READY), redis.call('ZCARD', LEASES), redis.call('ZCARD', SCHEDULED),
  redis.call('ZCARD', DEAD), age, finished, now() - (current - SLOTS + 1) * SLOT_MS }
