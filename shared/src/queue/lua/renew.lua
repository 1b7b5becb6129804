-- ARGV: lease (ms), then id and fence of each job. Returns 1 or 0 for each: still held or lost.
local lease_end, result = int(now() + tonumber(ARGV[1])), {}
for index = 2, #ARGV, 2 do
  if held(ARGV[index], ARGV[index + 1]) then
    redis.call('ZADD', LEASES, lease_end, ARGV[index])
    table.insert(result, 1)
  else
    table.insert(result, 0)
  end
end
return result
