-- When the network vanishes (false where it stays), and whether there is one at all.
local function network(meta)
  local found = redis.call('HMGET', meta, 'expires_at', 'version')
  return found[1], found[2]
end
