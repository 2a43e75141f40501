-- Let keys vanish with their network; at is the moment, or false where it stays.
local function expire(at, ...)
  if not at then return end
  for _, key in ipairs({...}) do redis.call('PEXPIREAT', key, at) end
end
