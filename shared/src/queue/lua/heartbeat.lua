-- KEYS: the registry of processes. ARGV: process, time to live (ms; 0: take it out), how long one that fell
-- silent is remembered (ms). Returns how many processes are alive.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local ttl = tonumber(ARGV[2])
if ttl > 0 then
  redis.call('ZADD', KEYS[1], string.format('%.0f', now + ttl), ARGV[1])
else
  redis.call('ZREM', KEYS[1], ARGV[1])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - tonumber(ARGV[3])))
return redis.call('ZCOUNT', KEYS[1], string.format('(%.0f', now), '+inf')
