-- ARGV: ids of dead letters. Returns how many are ready again, with all their attempts.
local count = 0
for _, id in ipairs(ARGV) do
  local letter = redis.call('HGET', LETTERS, id)
  redis.call('ZREM', DEAD, id)
  redis.call('HDEL', LETTERS, id)
  if letter then
    letter = cjson.decode(letter)
    redis.call('HSET', DATA, id, letter.job)
    redis.call('HSET', META, id,
      write({ tenant = letter.tenant, attempt = 1, expired = 0, fence = 0, since = now() }))
    redis.call('ZADD', READY, int(turn(letter.tenant)), id)
    redis.call('HINCRBY', TENANTS, letter.tenant, 1)
    count = count + 1
  end
end
save_turns()
wake(count)
return count
