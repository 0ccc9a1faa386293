-- SPDX-License-Identifier: Apache-2.0
-- For wrk: each request calls home for a node picked in turn, with an instance-id that nobody has told.
--   wrk --script phone_home.lua URL -- FILE NUMBER
local paths, count, run = {}, 0, ""

function init(args)
   run = args[2]
   for path in io.lines(args[1]) do
      paths[#paths + 1] = path
   end
end

function request()
   count = count + 1
   local body = "hostname=n&pub_key_ed25519=ssh-ed25519%20AAAA&instance_id=" .. run .. "-" .. count
   return wrk.format("POST", paths[count % #paths + 1], nil, body)
end
