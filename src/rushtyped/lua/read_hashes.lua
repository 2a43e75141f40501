-- Read fields of hashes.
-- ARGV[1] prefix of the network's keys
-- ARGV[2] number of fields
-- ARGV[3...] the fields, then the keys
-- Returns the values, hash by hash in one flat list
local prefix, n = ARGV[1], tonumber(ARGV[2])
local values = {}
local fields = {unpack(ARGV, 3, 2 + n)}
for i = 3 + n, #ARGV do
  local row = redis.call('HMGET', prefix .. 'task:' .. ARGV[i], unpack(fields))
  for j = 1, n do values[#values + 1] = row[j] end
end
return values
