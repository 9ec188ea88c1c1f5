# Two network namespaces with per-CPU SAs (RFC 9611, Linux 6.13 on), to be pasted into a root shell.
# West sends to 198.19.2.1 under ESP: CPU n by the SA with pcpu-num n, others by the fallback SA. What
# comes back has one SA. Undone by: ip netns del xs-west; ip netns del xs-east
CPUS=$(nproc)
KEY=0x$(od -An -tx1 -N20 /dev/urandom | tr -d ' \n')
ip netns add xs-west; ip netns add xs-east
ip link add west0 netns xs-west type veth peer name east0 netns xs-east
ip -n xs-west addr add 198.18.0.1/24 dev west0; ip -n xs-east addr add 198.18.0.2/24 dev east0
ip -n xs-west addr add 198.19.1.1/32 dev lo; ip -n xs-east addr add 198.19.2.1/32 dev lo
for dev in lo west0; do ip -n xs-west link set $dev up; done
for dev in lo east0; do ip -n xs-east link set $dev up; done
ip -n xs-west route add 198.19.2.1 via 198.18.0.2 src 198.19.1.1
ip -n xs-east route add 198.19.1.1 via 198.18.0.1 src 198.19.2.1
there="src 198.18.0.1 dst 198.18.0.2 proto esp"
back="src 198.18.0.2 dst 198.18.0.1 proto esp"
sa() { # FROM TO SPI WHAT [pcpu-num N]
  local from=$1 to=$2 spi=$3 what=$4; shift 4
  ip -n "$from" xfrm state add $what spi "$spi" reqid 1 mode tunnel aead 'rfc4106(gcm(aes))' "$KEY" 128 "$@" dir out
  ip -n "$to" xfrm state add $what spi "$spi" reqid 1 mode tunnel aead 'rfc4106(gcm(aes))' "$KEY" 128 replay-window 32 "$@" dir in
}
sa xs-west xs-east 0x1000 "$there" # the fallback
for ((cpu = 0; cpu < CPUS; cpu++)); do sa xs-west xs-east $((0x1001 + cpu)) "$there" pcpu-num $cpu; done
sa xs-east xs-west 0x2000 "$back"
ip -n xs-west xfrm policy add src 198.19.1.1 dst 198.19.2.1 dir out tmpl $there reqid 1 mode tunnel
ip -n xs-east xfrm policy add src 198.19.1.1 dst 198.19.2.1 dir in tmpl $there reqid 1 mode tunnel
ip -n xs-east xfrm policy add src 198.19.2.1 dst 198.19.1.1 dir out tmpl $back reqid 1 mode tunnel
ip -n xs-west xfrm policy add src 198.19.2.1 dst 198.19.1.1 dir in tmpl $back reqid 1 mode tunnel
ip netns exec xs-west ping -c 1 -W 2 198.19.2.1
# Then, in a shell each:
#   ip netns exec xs-east iperf3 --server
#   ip netns exec xs-west iperf3 --client 198.19.2.1 --udp --bitrate 0 --parallel 2 --time 3600
#   xfrmscope top --netns xs-west
#   xfrmscope record -d 20s --netns xs-west -o run
