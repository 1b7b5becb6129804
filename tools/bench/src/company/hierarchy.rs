//! Who stands above whom.

/// Depth below the head, at most.
const LEVELS: usize = 7;

/// Everybody's level (1 = head) and the index of their manager, the head's being the head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seat {
    pub(super) depth: usize,
    pub(super) manager: usize,
}

/// `size` seats, higher levels first. Each level is the same number of times as large as the
/// one above, so that seven levels hold everybody.
pub(super) fn seats(size: usize) -> Vec<Seat> {
    let mut seats = Vec::with_capacity(size);
    let mut above = 0..0;
    for (level, people) in level_sizes(size).into_iter().enumerate() {
        let first = seats.len();
        for place in 0..people {
            let manager = match above.len() {
                0 => first,
                managers => above.start + place * managers / people,
            };
            seats.push(Seat {
                depth: level + 1,
                manager,
            });
        }
        above = first..seats.len();
    }
    seats
}

fn level_sizes(size: usize) -> Vec<usize> {
    let total = |span: f64| (0..LEVELS as i32).map(|level| span.powi(level)).sum::<f64>();
    let (mut low, mut high) = (1.0, size.max(2) as f64);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if total(middle) > size as f64 {
            high = middle
        } else {
            low = middle
        }
    }
    let mut left = size;
    let mut sizes = Vec::new();
    for level in 0..LEVELS {
        let wanted = if level + 1 == LEVELS {
            left
        } else {
            low.powi(level as i32).round() as usize
        };
        sizes.push(wanted.clamp(usize::from(left > 0), left));
        left -= sizes[level];
    }
    sizes.retain(|people| *people > 0);
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_two_thousand_fill_seven_levels_with_spans_of_a_few() {
        let sizes = level_sizes(2_000);
        assert_eq!(sizes.len(), 7);
        assert_eq!(sizes.iter().sum::<usize>(), 2_000);
        assert!(
            sizes
                .windows(2)
                .all(|pair| pair[1] > pair[0] && pair[1] <= pair[0] * 5)
        );
    }

    #[test]
    fn seats_fewer_people_than_levels_are_a_chain() {
        let depths: Vec<usize> = seats(3).iter().map(|seat| seat.depth).collect();
        assert_eq!(depths, [1, 2, 3]);
        assert_eq!(seats(3)[2].manager, 1);
    }
}
