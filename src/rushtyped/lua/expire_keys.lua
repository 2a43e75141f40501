-- Let keys vanish when the network does, or stay with it.
-- KEYS[1] meta hash
-- ARGV[1] the moment, in milliseconds since 1970 ('' to stay)
-- ARGV[2] 1 where the keys are leases, which may run out before, else 0
-- ARGV[3...] names of the keys
-- Returns 1, or 0 where another moment has been set meanwhile
-- include clock, network
local meta = KEYS[1]
local moment, leases = ARGV[1], ARGV[2] == '1'
if (network(meta) or '') ~= moment then return 0 end
local left = moment ~= '' and moment - math.floor(clock() / 1000)
for i = 3, #ARGV do
  if leases then
    if left and redis.call('PTTL', ARGV[i]) > left then
      redis.call('PEXPIREAT', ARGV[i], moment)
    end
  elseif not left then
    redis.call('PERSIST', ARGV[i])
  elseif left > 0 then
    redis.call('PEXPIREAT', ARGV[i], moment)
  else
    redis.call('UNLINK', ARGV[i])
  end
end
return 1
