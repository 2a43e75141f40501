-- Delete some of the hashes that a reset has left behind.
-- KEYS[1] trash list
-- ARGV[1] prefix of the network's keys
-- ARGV[2] how many at the most
-- Returns the number left
local trash = KEYS[1]
local prefix, most = ARGV[1], ARGV[2]
for _, key in ipairs(redis.call('LRANGE', trash, 0, most - 1)) do
  redis.call('UNLINK', prefix .. 'task:' .. key)
end
redis.call('LTRIM', trash, most, -1)
return redis.call('LLEN', trash)
