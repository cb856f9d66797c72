# Opens TUN devices and becomes another program: perl tun.pl NAME NAME PROGRAM ARGUMENT...
# The program gets the devices' descriptors as two more arguments. Node cannot make the ioctl itself.
use strict;
use warnings;

use constant TUNSETIFF => 0x400454ca;    # <linux/if_tun.h>
use constant FLAGS => 0x0001 | 0x1000;   # IFF_TUN: IP packets; IFF_NO_PI: nothing before them

$^F = 255;    # What is opened from here on stays open across exec.
my @devices;
for my $name ( splice @ARGV, 0, 2 ) {
    open my $device, '+<', '/dev/net/tun' or die "/dev/net/tun: $!\n";
    ioctl $device, TUNSETIFF, pack 'a16 s x22', $name, FLAGS or die "$name: $!\n";
    push @devices, $device;
}
exec @ARGV, map { fileno $_ } @devices or die "$ARGV[0]: $!\n";
