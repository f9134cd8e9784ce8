//! Recoding of gated differences into digit slots (`lacuna_recode`).

use lacuna_spec::instr::Gating;

/// Slots of one row at the narrowest digits: four planes and the excess.
pub const SLOTS_MAX: usize = 5;

/// Largest magnitude of a gated difference.
const D_MAX: i32 = 255;

/// The digit slots of one difference, lowest plane first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Slots {
    /// What each slot contributes to `d`, its plane's weight included.
    pub values: [i16; SLOTS_MAX],
    /// Slots in use.
    pub len: u8,
}

impl Slots {
    /// The slots' values.
    #[must_use]
    pub fn values(&self) -> &[i16] {
        &self.values[..usize::from(self.len)]
    }

    fn push(&mut self, value: i32) {
        self.values[usize::from(self.len)] = value as i16;
        self.len += 1;
    }
}

/// Every difference's slots at one digit width.
#[derive(Debug, Clone)]
pub struct Recoder {
    essential: Vec<Slots>,
    dense: Vec<Slots>,
    none: Slots,
}

impl Recoder {
    /// Tables for digits of 2, 4 or 8 bits.
    #[must_use]
    pub fn new(digit_bits: usize) -> Self {
        let slots = |keep_zeros| (-D_MAX..=D_MAX).map(|d| recode(d, digit_bits, keep_zeros)).collect::<Vec<_>>();
        Self { essential: slots(false), dense: slots(true), none: Slots::default() }
    }

    /// The slots whose digit is not 0: what gating mode `digit` issues.
    #[must_use]
    pub fn essential(&self, d: i16) -> &Slots {
        &self.essential[(i32::from(d) + D_MAX) as usize]
    }

    /// All planes, and the excess slot when it is not 0: what `off` and `row` issue.
    #[must_use]
    pub fn dense(&self, d: i16) -> &Slots {
        &self.dense[(i32::from(d) + D_MAX) as usize]
    }

    /// What a lane issues for a row in one gating mode; `None` is a disabled row.
    pub(super) fn slots(&self, d: Option<i16>, gating: Gating) -> &Slots {
        match (d, gating) {
            (None, _) => &self.none,
            (Some(d), Gating::Digit) => self.essential(d),
            (Some(d), Gating::Off | Gating::Row) => self.dense(d),
        }
    }
}

/// Radix-4 terms D0 to D4 of the non-adjacent form.
fn terms(d: i32) -> [i32; 5] {
    let thrice = 3 * d;
    let (plus, minus) = ((thrice & !d) >> 1, (d & !thrice) >> 1);
    std::array::from_fn(|t| ((plus >> (2 * t)) & 3) - ((minus >> (2 * t)) & 3))
}

fn recode(d: i32, digit_bits: usize, keep_zeros: bool) -> Slots {
    let mut slots = Slots::default();
    if digit_bits == 8 {
        if keep_zeros || d != 0 {
            slots.push(d);
        }
        return slots;
    }
    let mut terms = terms(d);
    // D4 is worth 4 in the plane of D3: half joins D3, half is the excess slot.
    let excess = 2 * terms[4];
    terms[3] += excess;
    for (plane, of_plane) in terms[..4].chunks(digit_bits / 2).enumerate() {
        let digit: i32 = of_plane.iter().rev().fold(0, |high, term| 4 * high + term);
        if keep_zeros || digit != 0 {
            slots.push(digit << (plane * digit_bits));
        }
    }
    if excess != 0 {
        slots.push(excess << 6);
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fewest digits of magnitude up to `limit`, one for each weight, that add up to `d`.
    fn fewest(d: i32, weights: &[i32], limit: i32) -> usize {
        match weights.split_first() {
            None => {
                if d == 0 {
                    0
                } else {
                    usize::MAX / 2
                }
            }
            Some((weight, rest)) => (-limit..=limit)
                .map(|digit| usize::from(digit != 0) + fewest(d - digit * weight, rest, limit))
                .min()
                .expect("digits include 0"),
        }
    }

    #[test]
    fn essential_slots_add_up_and_are_as_few_as_can_be() {
        for (digit_bits, limit, weights) in
            [(2, 2, vec![64, 64, 16, 4, 1]), (4, 10, vec![16, 16, 1]), (8, 255, vec![1])]
        {
            let recoder = Recoder::new(digit_bits);
            for d in -255..=255 {
                let slots = recoder.essential(d);
                let sum: i32 = slots.values().iter().map(|&v| i32::from(v)).sum();
                assert_eq!(sum, i32::from(d));
                let least = fewest(i32::from(d), &weights, limit);
                assert_eq!(slots.values().len(), least, "{d} in {digit_bits}-bit digits");
            }
        }
    }

    #[test]
    fn every_digit_is_representable_in_its_plane() {
        for (digit_bits, limit) in [(2, 2), (4, 10)] {
            let recoder = Recoder::new(digit_bits);
            let planes = 8 / digit_bits;
            for d in -255..=255 {
                let slots = recoder.dense(d);
                assert!((planes..=planes + 1).contains(&slots.values().len()), "{d}");
                for (slot, &value) in slots.values().iter().enumerate() {
                    let weight = 1 << (digit_bits * slot.min(planes - 1));
                    assert_eq!(value % weight, 0, "{d}");
                    assert!((value / weight).abs() <= limit, "{d}");
                }
            }
        }
    }
}
