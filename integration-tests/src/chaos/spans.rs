//! Stretches of time.

/// Seconds since the run began.
pub(super) type Seconds = f64;

/// From one moment to a later one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) from: Seconds,
    pub(super) until: Seconds,
}

impl Span {
    pub(super) fn new(from: Seconds, until: Seconds) -> Self {
        Self {
            from,
            until: until.max(from),
        }
    }

    pub(super) fn length(self) -> Seconds {
        self.until - self.from
    }

    pub(super) fn contains(self, at: Seconds) -> bool {
        self.from <= at && at <= self.until
    }

    pub(super) fn touches(self, other: Self) -> bool {
        self.from <= other.until && other.from <= self.until
    }
}

/// The same time in stretches that do not touch, earliest first.
pub(super) fn merged(spans: impl IntoIterator<Item = Span>) -> Vec<Span> {
    let mut spans: Vec<Span> = spans.into_iter().collect();
    spans.sort_by(|a, b| a.from.total_cmp(&b.from));
    let mut merged: Vec<Span> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if last.touches(span) => last.until = last.until.max(span.until),
            _ => merged.push(span),
        }
    }
    merged
}

/// What of `0..end` lies in none of `spans`.
pub(super) fn gaps(spans: impl IntoIterator<Item = Span>, end: Seconds) -> Vec<Span> {
    let mut gaps = Vec::new();
    let mut from = 0.0;
    for span in merged(spans) {
        if span.from > from {
            gaps.push(Span::new(from, span.from.min(end)));
        }
        from = span.until.max(from);
    }
    if from < end {
        gaps.push(Span::new(from, end));
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_touch_become_one_and_the_rest_are_gaps() {
        let spans = [
            Span::new(5.0, 6.0),
            Span::new(1.0, 2.0),
            Span::new(1.5, 3.0),
            Span::new(6.0, 7.0),
        ];
        assert_eq!(merged(spans), [Span::new(1.0, 3.0), Span::new(5.0, 7.0)]);
        assert_eq!(
            gaps(spans, 9.0),
            [
                Span::new(0.0, 1.0),
                Span::new(3.0, 5.0),
                Span::new(7.0, 9.0)
            ]
        );
        assert_eq!(gaps([], 2.0), [Span::new(0.0, 2.0)]);
    }
}
