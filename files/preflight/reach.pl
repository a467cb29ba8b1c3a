# Whether a TCP port can be reached from this host: for each ADDRESS:PORT a line with it and `ok`, or why not; nothing for
# one that does not answer. A name is asked for at each of its addresses. Perl's base is on every Debian and Ubuntu.
# The port's owner does not see it: the kernel is told to keep the last packet of the handshake for data that never come,
# and to leave by a reset. A connection would have sshd start two processes (8 ms of its host's processor time for each of
# its peers), take one of its MaxStartups, and log it.
use strict;
use Errno qw(EINPROGRESS);
use Socket qw(getaddrinfo IPPROTO_TCP SOCK_NONBLOCK SOCK_STREAM SOL_SOCKET SO_ERROR SO_LINGER);
use constant TCP_DEFER_ACCEPT => 9;    # of Linux

$| = 1;

sub ask {
    my %asked;
    for my $peer (@_) {
        my ($host, $port) = $peer =~ /^\[?(.*?)\]?:(\d+)$/;
        my ($wrong, @found) = getaddrinfo($host, $port, { socktype => SOCK_STREAM });
        print "$peer $wrong\n" if $wrong;
        for my $each (@found) {
            my $socket;
            my $begun = socket($socket, $each->{family}, SOCK_STREAM | SOCK_NONBLOCK, 0)
                && setsockopt($socket, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1)
                && setsockopt($socket, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
                && (connect($socket, $each->{addr}) || $! == EINPROGRESS);
            if ($begun) { $asked{ fileno $socket } = [$peer, $socket] }
            else { print "$peer $!\n" }
        }
    }
    while (%asked) {
        my $ready = "";
        vec($ready, $_, 1) = 1 for keys %asked;
        select(undef, $ready, undef, undef);
        for (grep { vec($ready, $_, 1) } keys %asked) {
            my ($peer, $socket) = @{ delete $asked{$_} };
            $! = unpack("i", getsockopt($socket, SOL_SOCKET, SO_ERROR));
            print "$peer ", $! ? $! : "ok", "\n";
        }
    }
}

# Names may have to wait for a name server: beside the others.
my @names = grep { !/^[\d.]+:/ } @ARGV;
if (@names and !fork) {
    ask(@names);
    exit;
}
ask(grep { /^[\d.]+:/ } @ARGV);
wait;
