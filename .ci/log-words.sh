#!/usr/bin/env bash
# The wording of log lines and errors: they begin in lower case and end without a full stop, so that they read
# well behind a prefix and in a chain. A first word with more capitals than its first letter (LiteLLM, SIGTERM)
# is a name and stays as it is. Looked at: tracing's macros, thiserror's `#[error]`, anyhow's messages.
#
# With `--list`: prints level, tab, message of each of tracing's lines instead; a test holds docs/log-lines.md to it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

list=0
[ "${1:-}" != --list ] || list=1
export list

# Perl is on every Debian; a message may stand lines below its macro, behind fields that hold strings of their own.
# shellcheck disable=SC2016 # Perl's variables, not the shell's
find crates/*/src -name '*.rs' -print0 | xargs -0 perl -0777 -e '
use strict;
use warnings;

# Log lines that other programs know, word for word: section 8 of the contract, as LiteLLM prints them.
my $known = qr/^(?:
    Initialized\ shared\ health\ check\ manager
  | Pod\ \{[^}]*\}\ (?:acquired|released)\ health\ check\ lock
  | Cached\ health\ check\ results\ for\ \{[^}]*\}\ healthy\ and\ \{[^}]*\}\ unhealthy\ endpoints
  | Using\ cached\ health\ check\ results
)$/x;

my $string  = qr/"(?:[^"\\]|\\.)*"|r(#*)".*?"\g{-1}/s;
my $comment = qr{//[^\n]*};
my $opening = qr/
    (?<![\w.]) (?:tracing::)? (?:trace|debug|info|warn|error|event) ! \s* \(
  | (?<![\w.]) (?:anyhow::)? (?:anyhow|bail|ensure) ! \s* \(
  | \.context\( | \.with_context\(\s*\|\|\s*(?:format!\()?
  | \#\[error\(
/x;

# The first argument that is a string and nothing else; every argument before it is a field, a level or a target.
sub message {
  my ($code) = @_;
  my ($depth, $fresh) = (0, 1);
  for ($$code) {
    while (1) {
      if (/\G(?:\s+|$comment)/gc) { next }
      if (/\G($string)/gc) {
        my $text = $1;
        return $text if $fresh && $depth == 0 && /\G\s*[,)]/;
      }
      elsif (/\G\x27(?:[^\x27\\]|\\.)\x27/gc) { }
      elsif (/\G[(\[{]/gc) { $depth++ }
      elsif (/\G[)\]}]/gc) { return undef if $depth-- == 0 }
      elsif (/\G,/gc) { $fresh = 1 if $depth == 0; next }
      elsif (!/\G./gcs) { return undef }
      $fresh = 0;
    }
  }
}

my $bad = 0;
while (my $path = shift @ARGV) {
  open(my $file, "<", $path) or die "$path: $!\n";
  my $code = <$file>;
  pos($code) = 0;
  while (1) {
    # Comments and strings are passed over whole, so nothing inside them counts as a macro.
    if ($code =~ /\G(?:$comment|$string|\x27(?:[^\x27\\]|\\.)\x27)/gc) { next }
    if ($code =~ /\G$opening/gc) {
      my $start = pos($code);
      my ($macro) = $& =~ /\b(trace|debug|info|warn|error)\s*!/;
      my $line = 1 + (substr($code, 0, $start) =~ tr/\n//);
      my $text = message(\$code);
      pos($code) = $start;
      next unless defined $text;
      $text =~ s/^r?#*"//;
      $text =~ s/"#*$//;
      $text =~ s/\\\n\s*//g;
      if ($ENV{list}) {
        # A constant of the same file stands for its text.
        $text = $1 if $text =~ /^\{([A-Z_]+)\}$/ && $code =~ /\bconst $1: &str =\s*"((?:[^"\\]|\\.)*)"/;
        print "$macro\t$text\n" if $macro;
        next;
      }
      next if $text =~ $known;
      my @why;
      push @why, "begins with a capital" if $text =~ /^[A-Z](?![A-Za-z0-9_]*[A-Z])/;
      push @why, "ends with a full stop" if $text =~ /[.!]$/;
      next unless @why;
      print STDERR "$path:$line: \"$text\" ", join(" and ", @why), "\n";
      $bad = 1;
      next;
    }
    last unless $code =~ /\G./gcs;
  }
}
exit $bad;
'
