-- ARGV: most jobs, lease (ms), most due jobs to make ready, most expired leases to make ready, process.
-- Returns: how many stay ready, ms until something is due (-1: nothing), jobs as
-- {id, data, attempt, expired leases, fence}.
local most, lease = tonumber(ARGV[1]), tonumber(ARGV[2])

-- The earliest score of a sorted set, after moving what is due (bounded) to ready.
local function promote(set, limit, expired)
  local first = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2]
  if not first or tonumber(first) > now() then return tonumber(first) end
  make_ready(set, redis.call('ZRANGEBYSCORE', set, '-inf', int(now()), 'LIMIT', 0, limit), expired)
  return tonumber(redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2])
end
local scheduled = promote(SCHEDULED, ARGV[3], 0)
local leases = promote(LEASES, ARGV[4], 1)
save_turns()

-- What versions before holders left behind.
if redis.call('EXISTS', LEASES) == 0 then redis.call('DEL', HOLDERS) end
local popped = redis.call('ZPOPMIN', READY, most)
local jobs, ids = {}, {}
for index = 1, #popped, 2 do table.insert(ids, popped[index]) end
if #ids > 0 then
  redis.call('HSET', TURNS, 'clock', popped[#popped])
  local data, metas = redis.call('HMGET', DATA, unpack(ids)), redis.call('HMGET', META, unpack(ids))
  local held, changed, holders = {}, {}, {}
  for index, id in ipairs(ids) do
    local meta = read(metas[index])
    if meta and data[index] then
      meta.fence = meta.fence + 1
      table.insert(held, int(now() + lease))
      table.insert(held, id)
      table.insert(changed, id)
      table.insert(changed, write(meta))
      table.insert(holders, id)
      table.insert(holders, ARGV[5])
      table.insert(jobs, { id, data[index], meta.attempt, meta.expired, meta.fence })
    else
      redis.call('HDEL', DATA, id)
      redis.call('HDEL', META, id)
      if meta then release(meta.tenant, 1) end
    end
  end
  if #jobs > 0 then
    redis.call('ZADD', LEASES, unpack(held))
    redis.call('HSET', META, unpack(changed))
    redis.call('HSET', HOLDERS, unpack(holders))
  end
end

local left = 0
if #ids == most then left = redis.call('ZCARD', READY) end
if left > 0 then nudge() else redis.call('DEL', WAKE) end
local due = scheduled
if leases and (not due or leases < due) then due = leases end
if due then due = math.max(due - now(), 0) else due = -1 end
return { left, due, jobs }
