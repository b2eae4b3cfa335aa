//! Reads values out of an input. An input that ends goes on with zeros, so that every prefix means something.

pub(crate) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end.max(1)
    }

    pub(crate) fn of<'b, T>(&mut self, choices: &'b [T]) -> &'b T {
        &choices[self.below(choices.len())]
    }

    fn whole<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    /// Small ones mostly, and those at which arithmetic breaks.
    pub(crate) fn number(&mut self) -> u64 {
        match self.byte() {
            small @ 0..=199 => u64::from(small),
            200..=229 => u64::from(u16::from_le_bytes(self.whole())),
            230..=239 => u64::from(u32::from_le_bytes(self.whole())),
            240..=246 => u64::from_le_bytes(self.whole()),
            247 => u64::MAX,
            248 => u64::MAX - 1,
            249 => i64::MAX as u64,
            250 => i64::MAX as u64 + 1,
            251 => 1 << 53,
            252 => u64::from(u32::MAX),
            253 => u64::from(u32::MAX) + 1,
            254 => 1_795_358_411_941_123,
            255 => u64::MAX / 1_000,
        }
    }

    pub(crate) fn signed(&mut self) -> i64 {
        let number = self.number().cast_signed();
        if self.flag() {
            number.wrapping_neg()
        } else {
            number
        }
    }
}
