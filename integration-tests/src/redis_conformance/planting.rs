//! What stands where ours should: values of every shape, as commands.

use watchkeeper_testkit::conformance::{Place, Shape};

/// Year 2200, in microseconds.
const IMPOSSIBLE: &str = "7258118400000000";

/// The commands that put something of this shape under `key`; nothing where there is no such thing.
pub(crate) fn planting(key: &str, place: Place, shape: Shape) -> Option<Vec<redis::Cmd>> {
    let command = |words: &[&[u8]]| {
        let mut command = redis::cmd(std::str::from_utf8(words[0]).unwrap());
        command.arg(key);
        for word in &words[1..] {
            command.arg(*word);
        }
        command
    };
    let set = |value: &[u8]| Some(vec![command(&[b"SET", value])]);
    let hash = |fields: &[&[u8]]| Some(vec![command(&[&[b"HSET".as_slice()], fields].concat())]);
    let huge = vec![b'x'; 9 * 1024 * 1024];
    match (place, shape) {
        (_, Shape::Text) => set(b"foreign"),
        (_, Shape::OtherText) => set(b"foreign too"),
        (_, Shape::Binary) => set(&[0, 255, 128, 10]),
        (_, Shape::Empty) => set(b""),
        (_, Shape::List) => Some(vec![command(&[b"RPUSH", b"foreign", b"too"])]),
        (_, Shape::Set) => Some(vec![command(&[b"SADD", b"foreign"])]),
        (_, Shape::SortedSet) => Some(vec![command(&[b"ZADD", b"1", b"foreign"])]),
        (_, Shape::Stream) => Some(vec![command(&[b"XADD", b"*", b"foreign", b"1"])]),
        (Place::Report | Place::Presence, Shape::Huge) => hash(&[
            b"token", b"1", b"edition", b"1", b"at", b"1", b"body", &huge,
        ]),
        (_, Shape::Huge) => set(&huge),
        (_, Shape::Hash) => hash(&[b"foreign", b"1", b"token", b"x", b"edition", b""]),
        (Place::Lock, Shape::NearMiss) => set(b"wk1|5|1|1000|pod a"),
        (Place::Token, Shape::NearMiss) => set(b"17672256000000x0"),
        (Place::Report, Shape::NearMiss) => hash(&[
            b"token",
            b"5",
            b"edition",
            b"4294967296",
            b"at",
            b"5",
            b"body",
            b"foreign",
        ]),
        (Place::Presence, Shape::NearMiss) => hash(&[b"a", b"wk1|5|1000", b"b", b"wk1|5|1000|"]),
        (Place::Lock, Shape::Impossible) => {
            set(format!("wk1|{IMPOSSIBLE}|1|60000|somebody").as_bytes())
        }
        (Place::Token, Shape::Impossible) => set(IMPOSSIBLE.as_bytes()),
        (Place::Report, Shape::Impossible) => hash(&[
            b"token",
            IMPOSSIBLE.as_bytes(),
            b"edition",
            b"1",
            b"at",
            b"5",
            b"body",
            b"foreign",
        ]),
        (Place::Presence, Shape::Impossible) => {
            hash(&[b"a", format!("wk1|{IMPOSSIBLE}|60000|").as_bytes()])
        }
    }
}
