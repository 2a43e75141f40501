-- Reserve names of free-form extras as columns of one field.
-- KEYS[1] meta hash
-- ARGV[1] field of the task hash that holds them
-- ARGV[2...] names
-- Returns the names that another field has; where there is one, none is reserved; -1 where there is
--   no network any more
-- include network
local meta = KEYS[1]
local field = ARGV[1]
local _, exists = network(meta)
if not exists then return -1 end
local taken = {}
for i = 2, #ARGV do
  local holder = redis.call('HGET', meta, 'column:' .. ARGV[i])
  if holder and holder ~= field then taken[#taken + 1] = ARGV[i] end
end
if #taken == 0 then
  for i = 2, #ARGV do redis.call('HSET', meta, 'column:' .. ARGV[i], field) end
end
return taken
