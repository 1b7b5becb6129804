-- KEYS: the registry of processes. Returns each process with the time (ms) until its heartbeat ends, negative
-- when it has ended.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local found, listed = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES'), {}
for index = 1, #found, 2 do table.insert(listed, { found[index], tonumber(found[index + 1]) - now }) end
return listed
