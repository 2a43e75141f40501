-- Write fields to hashes, which need not be tasks; what a task's transitions write is refused.
-- KEYS[1] meta hash
-- KEYS[2] hashes set
-- ARGV[1] prefix of the network's keys
-- ARGV[2] 1 where a field is one that the transitions of tasks write, else 0
-- ARGV[3] number of fields
-- ARGV[4...] the fields, then per hash: key, values
-- Returns the keys of tasks that were refused; where there is one, nothing is written; -1 where
--   there is no network any more
-- include append, expire, network
local meta, hashes = KEYS[1], KEYS[2]
local prefix, guarded, n = ARGV[1], ARGV[2] == '1', tonumber(ARGV[3])
local at, exists = network(meta)
if not exists then return -1 end
local refused, free = {}, {}
for i = 4 + n, #ARGV, n + 1 do
  if redis.call('HEXISTS', prefix .. 'task:' .. ARGV[i], 'state') == 0 then
    free[#free + 1] = ARGV[i]
  elseif guarded then
    refused[#refused + 1] = ARGV[i]
  end
end
if #refused > 0 then return refused end
for i = 4 + n, #ARGV, n + 1 do
  for j = 1, n do
    redis.call('HSET', prefix .. 'task:' .. ARGV[i], ARGV[3 + j], ARGV[i + j])
  end
  expire(at, prefix .. 'task:' .. ARGV[i])
end
local listed = at and redis.call('EXISTS', hashes) == 1
append('SADD', hashes, free)
if not listed then expire(at, hashes) end
return refused
