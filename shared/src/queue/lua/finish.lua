-- ARGV: most dead letters, then of each job: id, fence, verdict, delay (ms), error.
-- Verdicts: done, snooze and retry (after the delay), dead, back (unstarted: first in line again).
-- Returns 1 or 0 for each: done, or the job was no longer held and nothing was changed.
local result, released, let_go, finished = {}, {}, {}, 0

local function finish(id, meta)
  redis.call('HDEL', DATA, id)
  redis.call('HDEL', META, id)
  released[meta.tenant] = (released[meta.tenant] or 0) + 1
  finished = finished + 1
end

local function schedule(id, delay)
  redis.call('ZADD', SCHEDULED, int(now() + tonumber(delay)), id)
end

local function bury(id, meta, reason)
  redis.call('HSET', LETTERS, id, cjson.encode({
    tenant = meta.tenant, attempts = meta.attempt, error = reason,
    job = redis.call('HGET', DATA, id) or 'null',
  }))
  redis.call('ZADD', DEAD, int(now()), id)
  finish(id, meta)
end

for index = 2, #ARGV, 5 do
  local id, verdict, delay = ARGV[index], ARGV[index + 2], ARGV[index + 3]
  local meta = held(id, ARGV[index + 1])
  table.insert(result, meta and 1 or 0)
  if meta then
    redis.call('ZREM', LEASES, id)
    table.insert(let_go, id)
    if verdict == 'done' then
      finish(id, meta)
    elseif verdict == 'dead' then
      bury(id, meta, ARGV[index + 4])
    elseif verdict == 'back' then
      redis.call('ZADD', READY, redis.call('HGET', TURNS, 'clock') or '0', id)
      wake(1)
    else
      if verdict == 'retry' then
        meta.attempt = meta.attempt + 1
        redis.call('HSET', META, id, write(meta))
      end
      schedule(id, delay)
    end
  end
end

if #let_go > 0 then redis.call('HDEL', HOLDERS, unpack(let_go)) end
count_finished(finished)
for tenant, count in pairs(released) do release(tenant, count) end
local surplus = redis.call('ZCARD', DEAD) - tonumber(ARGV[1])
if surplus > 0 then
  local oldest = redis.call('ZPOPMIN', DEAD, surplus)
  for index = 1, #oldest, 2 do redis.call('HDEL', LETTERS, oldest[index]) end
end
nudge()
return result
