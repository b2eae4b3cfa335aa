//! Questions and answers on a connection that the driver does not have yet.

use std::io;

use redis::{Cmd, RedisError, Value};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use watchkeeper_remote::Stream;

/// The largest answer to a question about the servers themselves: a cluster of a thousand nodes needs a tenth of it.
pub(crate) const MOST_BYTES: usize = 2 * 1024 * 1024;
/// The longest line that a server may answer.
const MAX_LINE_BYTES: usize = 4096;

/// Asks all of them at once, and reads an answer of at most `most` bytes to each. Nothing behind the last is taken off
/// the wire. An answer is what the server said or refused.
///
/// # Errors
/// Why the connection is of no more use.
pub(crate) async fn ask(
    wire: &mut (impl Stream + ?Sized),
    questions: &[Cmd],
    most: usize,
) -> io::Result<Vec<Result<Value, RedisError>>> {
    let packed: Vec<u8> = questions.iter().flat_map(Cmd::get_packed_command).collect();
    wire.write_all(&packed).await?;
    wire.flush().await?;
    let mut answers = Vec::with_capacity(questions.len());
    for _ in questions {
        let answer = read(wire, most).await?;
        answers.push(redis::parse_redis_value(&answer).and_then(Value::extract_error));
    }
    Ok(answers)
}

/// The bytes of one whole answer.
async fn read(wire: &mut (impl AsyncRead + Unpin + ?Sized), most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // Values still to come; an array of three means three more.
    let mut due: usize = 1;
    while due > 0 {
        due -= 1;
        let (kind, count) = line(wire, &mut bytes).await?;
        let more = match kind {
            b'*' | b'~' | b'>' => count,
            b'%' => count.map(|count| count.saturating_mul(2)),
            _ => None,
        };
        due = due.saturating_add(more.unwrap_or(0));
        if let (b'$' | b'=' | b'!', Some(size)) = (kind, count) {
            let (begin, size) = (bytes.len(), size.saturating_add(2));
            bounded(begin.saturating_add(size), most)?;
            bytes.resize(begin.saturating_add(size), 0);
            let rest = bytes.get_mut(begin..).unwrap_or_default();
            wire.read_exact(rest).await?;
        }
        bounded(bytes.len().saturating_add(due), most)?;
    }
    Ok(bytes)
}

/// Reads one line: its first byte, and the number behind it, if it is one that is not negative.
async fn line(
    wire: &mut (impl AsyncRead + Unpin + ?Sized),
    bytes: &mut Vec<u8>,
) -> io::Result<(u8, Option<usize>)> {
    let begin = bytes.len();
    loop {
        // One byte at a time: what follows belongs to the next answer, or to the driver.
        bytes.push(wire.read_u8().await?);
        let line = bytes.get(begin..).unwrap_or_default();
        bounded(line.len(), MAX_LINE_BYTES)?;
        if let [kind, text @ .., b'\r', b'\n'] = line {
            let number = std::str::from_utf8(text).ok().and_then(|t| t.parse().ok());
            return Ok((*kind, number));
        }
    }
}

fn bounded(size: usize, most: usize) -> io::Result<()> {
    if size <= most {
        return Ok(());
    }
    Err(io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_all(mut bytes: &[u8], most: usize) -> (io::Result<Vec<u8>>, Vec<u8>) {
        let read = read(&mut bytes, most).await;
        (read, bytes.to_vec())
    }

    #[tokio::test]
    async fn one_answer_is_read_and_nothing_behind_it() {
        for answer in [
            "+OK\r\n",
            "-ERR no\r\n",
            ":5\r\n",
            "$-1\r\n",
            "$0\r\n\r\n",
            "$4\r\na\r\nb\r\n",
            "*0\r\n",
            "*-1\r\n",
            "*2\r\n*1\r\n:1\r\n$1\r\nx\r\n",
            "%1\r\n+a\r\n*1\r\n+b\r\n",
            "$+\r\n",
        ] {
            let (read, rest) = read_all(format!("{answer}+next\r\n").as_bytes(), 100).await;
            assert_eq!(read.unwrap(), answer.as_bytes(), "{answer}");
            assert_eq!(rest, b"+next\r\n", "{answer}");
        }
    }

    #[tokio::test]
    async fn an_answer_beyond_every_bound_is_refused_before_it_is_taken() {
        let endless = [b'x'; 2 * MAX_LINE_BYTES];
        for answer in [
            &b"$101\r\n"[..],
            b"$18446744073709551615\r\n",
            b"*18446744073709551615\r\n",
            b"*200\r\n:1\r\n",
            b"%9223372036854775808\r\n",
            &endless,
        ] {
            let (read, _) = read_all(answer, 100).await;
            assert_eq!(read.unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
        let (cut, _) = read_all(b"*2\r\n:1\r\n", 100).await;
        assert_eq!(cut.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
