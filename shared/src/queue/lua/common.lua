-- In front of every script of a queue. The keys are described in keys.rs.
local DATA, META, READY, TURNS, SCHEDULED, LEASES, WAKE, TENANTS, DEAD, LETTERS, HOLDERS, PACE = unpack(KEYS)
local MOST_TOKENS = 8
-- Finished jobs are counted in slots of this many milliseconds; this many slots are kept, the current one
-- included.
local SLOT_MS, SLOTS = 5000, 13

local clock_ms
local function now()
  if not clock_ms then
    local time = redis.call('TIME')
    clock_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  end
  return clock_ms
end

local function int(number)
  return string.format('%.0f', number)
end

local function read(raw)
  if not raw then return nil end
  local tenant, attempt, expired, fence, since = string.match(raw, '^(%S+) (%d+) (%d+) (%d+) (%d+)$')
  if not tenant then return nil end
  return { tenant = tenant, attempt = tonumber(attempt), expired = tonumber(expired),
           fence = tonumber(fence), since = tonumber(since) }
end

local function write(meta)
  return meta.tenant .. ' ' .. int(meta.attempt) .. ' ' .. int(meta.expired) .. ' ' .. int(meta.fence)
    .. ' ' .. int(meta.since)
end

-- Turns given in this run, written back by save_turns.
local given, clock = {}, nil
local function turn(tenant)
  if not clock then
    if redis.call('EXISTS', READY) == 0 then redis.call('DEL', TURNS) end
    clock = tonumber(redis.call('HGET', TURNS, 'clock') or '0')
  end
  local last = given[tenant] or tonumber(redis.call('HGET', TURNS, tenant) or '0')
  given[tenant] = math.max(last, clock) + 1
  return given[tenant]
end

local function save_turns()
  for tenant, last in pairs(given) do redis.call('HSET', TURNS, tenant, int(last)) end
end

local function wake(count)
  if count < 1 then return end
  local missing = math.min(count, MOST_TOKENS - redis.call('LLEN', WAKE))
  for _ = 1, missing do redis.call('RPUSH', WAKE, '1') end
end

-- Someone idle should look when jobs are ready and no token says so.
local function nudge()
  if redis.call('EXISTS', READY) == 1 and redis.call('EXISTS', WAKE) == 0 then
    redis.call('RPUSH', WAKE, '1')
  end
end

-- The tenant has this many outstanding jobs fewer.
local function release(tenant, count)
  if redis.call('HINCRBY', TENANTS, tenant, -count) <= 0 then
    redis.call('HDEL', TENANTS, tenant)
    redis.call('HDEL', TURNS, tenant)
  end
end

-- Move these jobs (at most 1,000) from a sorted set to the end of their tenants' turns.
local function make_ready(from, ids, expired)
  if #ids == 0 then return end
  local metas = redis.call('HMGET', META, unpack(ids))
  local ready, changed = {}, {}
  for index, id in ipairs(ids) do
    local meta = read(metas[index])
    if meta then
      meta.expired = meta.expired + expired
      meta.since = now()
      table.insert(ready, int(turn(meta.tenant)))
      table.insert(ready, id)
      table.insert(changed, id)
      table.insert(changed, write(meta))
    else
      redis.call('HDEL', DATA, id)
      redis.call('HDEL', META, id)
    end
  end
  redis.call('ZREM', from, unpack(ids))
  if from == LEASES then redis.call('HDEL', HOLDERS, unpack(ids)) end
  if #ready > 0 then
    redis.call('ZADD', READY, unpack(ready))
    redis.call('HSET', META, unpack(changed))
  end
end

-- How many jobs finished in a slot; its field may still hold the one SLOTS before.
local function finished_in(slot)
  local stored, count = string.match(redis.call('HGET', PACE, int(slot % SLOTS)) or '', '^(%d+) (%d+)$')
  if tonumber(stored) == slot then return tonumber(count) end
  return 0
end

local function count_finished(count)
  if count < 1 then return end
  local slot = math.floor(now() / SLOT_MS)
  redis.call('HSET', PACE, int(slot % SLOTS), int(slot) .. ' ' .. int(finished_in(slot) + count))
  redis.call('PEXPIRE', PACE, SLOT_MS * SLOTS)
end

-- The job's meta if this fence still holds it, else nil.
local function held(id, fence)
  local meta = read(redis.call('HGET', META, id))
  if meta and meta.fence == tonumber(fence) and redis.call('ZSCORE', LEASES, id) then return meta end
  return nil
end
