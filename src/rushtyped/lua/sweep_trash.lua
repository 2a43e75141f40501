-- Delete some of the hashes that a reset has left behind.
-- KEYS[1] trash list
-- KEYS[2] trash_hashes set
-- ARGV[1] prefix of the network's keys
-- ARGV[2] how many of each at the most
-- Returns the number left
local trash, trash_hashes = KEYS[1], KEYS[2]
local prefix, most = ARGV[1], ARGV[2]
for _, key in ipairs(redis.call('LRANGE', trash, 0, most - 1)) do
  redis.call('UNLINK', prefix .. 'task:' .. key)
end
redis.call('LTRIM', trash, most, -1)
for _, key in ipairs(redis.call('SPOP', trash_hashes, most)) do
  redis.call('UNLINK', prefix .. 'task:' .. key)
end
return redis.call('LLEN', trash) + redis.call('SCARD', trash_hashes)
