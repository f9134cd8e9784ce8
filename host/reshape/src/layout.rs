//! Layouts: maps from the index of an element to its tile and address.

use crate::LayoutError;

/// The most dimensions that a shape may have.
pub const MAX_RANK: usize = 8;

/// One factor of the memory order: what is left of a dimension after its later blocks, or a block of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Factor {
    /// The dimension.
    pub dim: usize,
    /// Elements of a block; `None` for what is left.
    pub block: Option<usize>,
}

/// How the tiles share a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Deal {
    /// The outermost factor with more than one value is dealt in equal parts, the later ones larger.
    #[default]
    Outermost,
    /// What is left of this dimension is.
    Dim(usize),
    /// Every tile holds all of it.
    Copies,
}

/// Where each element of a tensor lies.
///
/// The factors nest without gaps, the last one contiguous. The factor that is dealt over the tiles counts in each
/// tile from 0, and takes as much room in all of them as in the fullest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Extents of the dimensions; none is 0.
    pub shape: Vec<usize>,
    /// The factors of all dimensions, outermost first.
    pub order: Vec<Factor>,
    /// Bytes of an element: 1, 2 or 4.
    pub element: usize,
    /// Tiles that hold it: a range.
    pub tiles: std::ops::Range<usize>,
    /// How they share it.
    pub deal: Deal,
    /// Byte address of the first element, the same in every tile; `None` leaves it to the solver.
    pub base: Option<usize>,
}

/// A factor with its numbers: the digit `index / weight % extent` of a dimension moves the address by `step`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digit {
    /// The dimension.
    pub dim: usize,
    /// Elements of the dimension from one value to the next.
    pub weight: usize,
    /// Values of the digit.
    pub extent: usize,
    /// Bytes from one value to the next.
    pub step: usize,
    /// It is the one that the tiles share.
    pub dealt: bool,
}

/// One level of a layout seen along the row-major order of its elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Values.
    pub extent: usize,
    /// Tiles from one value to the next.
    pub tiles: usize,
    /// Bytes from one value to the next.
    pub bytes: usize,
}

/// The part of `count` that the `part`-th of `parts` gets.
#[must_use]
pub const fn dealt(count: usize, parts: usize, part: usize) -> std::ops::Range<usize> {
    part * count / parts..(part + 1) * count / parts
}

impl Layout {
    /// Row-major bytes in tile 0.
    #[must_use]
    pub fn plain(shape: &[usize], element: usize) -> Self {
        let order = (0..shape.len()).map(|dim| Factor { dim, block: None }).collect();
        Self { shape: shape.to_vec(), order, element, tiles: 0..1, deal: Deal::Outermost, base: None }
    }

    /// Elements.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Bytes of its elements, those of each once.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.elements() * self.element
    }

    /// The factors as digits, outermost first.
    #[must_use]
    pub fn digits(&self) -> Vec<Digit> {
        let mut inner = vec![1; self.shape.len()];
        let mut digits: Vec<Digit> = Vec::new();
        for factor in self.order.iter().rev() {
            let weight = inner[factor.dim];
            let extent = factor.block.unwrap_or_else(|| self.shape[factor.dim].div_ceil(weight));
            inner[factor.dim] *= extent;
            digits.push(Digit { dim: factor.dim, weight, extent, step: 0, dealt: false });
        }
        digits.reverse();
        if let Some(at) = self.dealt_factor(&digits) {
            digits[at].dealt = true;
        }
        let mut step = self.element;
        for digit in digits.iter_mut().rev() {
            digit.step = step;
            step *= if digit.dealt { self.fullest(digit.extent) } else { digit.extent };
        }
        digits
    }

    fn dealt_factor(&self, digits: &[Digit]) -> Option<usize> {
        let outer = |at: &usize| self.order[*at].block.is_none();
        match self.deal {
            _ if self.tiles.len() == 1 => None,
            Deal::Copies => None,
            Deal::Outermost => {
                let first = (0..digits.len()).filter(outer).find(|&at| digits[at].extent > 1);
                first.or_else(|| (0..digits.len()).find(outer))
            }
            Deal::Dim(dim) => (0..digits.len()).filter(outer).find(|&at| digits[at].dim == dim),
        }
    }

    /// Values of a dealt digit in the tile that has most.
    fn fullest(&self, extent: usize) -> usize {
        extent.div_ceil(self.tiles.len())
    }

    /// Bytes that it takes in each of its tiles.
    #[must_use]
    pub fn footprint(&self) -> usize {
        let extent = |digit: &Digit| if digit.dealt { self.fullest(digit.extent) } else { digit.extent };
        self.digits().iter().map(extent).product::<usize>() * self.element
    }

    /// Where every element of the first (or only) copy lies, in row-major order: `tile * tile_bytes + address`,
    /// from `base`.
    #[must_use]
    pub fn addresses(&self, tile_bytes: usize, base: usize) -> Vec<u32> {
        let digits = self.digits();
        let along = |dim: usize| {
            let at = |index: usize| {
                let of = |digit: &Digit| self.offset(digit, index / digit.weight % digit.extent, tile_bytes);
                digits.iter().filter(|digit| digit.dim == dim).map(of).sum::<usize>() as u32
            };
            (0..self.shape[dim]).map(at).collect::<Vec<u32>>()
        };
        let mut addresses = vec![(self.tiles.start * tile_bytes + base) as u32];
        for dim in 0..self.shape.len() {
            let table = along(dim);
            addresses = addresses.iter().flat_map(|&at| table.iter().map(move |&offset| at + offset)).collect();
        }
        addresses
    }

    fn offset(&self, digit: &Digit, value: usize, tile_bytes: usize) -> usize {
        if !digit.dealt {
            return value * digit.step;
        }
        let parts = self.tiles.len();
        let tile = (0..parts).find(|&part| dealt(digit.extent, parts, part).contains(&value)).unwrap_or(0);
        tile * tile_bytes + (value - dealt(digit.extent, parts, tile).start) * digit.step
    }

    /// The layout along the row-major order of its elements, outermost level first: unit levels dropped, levels that
    /// continue each other merged. `None` where blocks or parts are ragged, so that no such levels exist.
    #[must_use]
    pub fn levels(&self) -> Option<Vec<Level>> {
        let mut levels = Vec::new();
        for dim in 0..self.shape.len() {
            let mut digits: Vec<Digit> = self.digits().into_iter().filter(|digit| digit.dim == dim).collect();
            if digits.iter().map(|digit| digit.extent).product::<usize>() != self.shape[dim] {
                return None;
            }
            digits.sort_by_key(|digit| std::cmp::Reverse(digit.weight));
            for digit in digits {
                let parts = if digit.dealt { self.tiles.len() } else { 1 };
                if digit.extent % parts != 0 {
                    return None;
                }
                levels.push(Level { extent: parts, tiles: 1, bytes: 0 });
                levels.push(Level { extent: digit.extent / parts, tiles: 0, bytes: digit.step });
            }
        }
        Some(simplified(&levels))
    }

    /// Whether another layout puts the same elements in row-major order to the same places, wherever both have their
    /// bases: then any reshape between them is a view.
    #[must_use]
    pub fn coincides(&self, other: &Self) -> bool {
        let alike = |a: &Self, b: &Self| a.element == b.element && a.tiles.start == b.tiles.start;
        let copies = |layout: &Self| layout.deal == Deal::Copies && layout.tiles.len() > 1;
        alike(self, other)
            && !copies(self)
            && !copies(other)
            && self.levels().is_some_and(|levels| Some(levels) == other.levels())
    }

    /// Checks that every dimension has its factors, and the tiles something to hold.
    ///
    /// # Errors
    /// [`LayoutError`].
    pub fn check(&self) -> Result<(), LayoutError> {
        if self.shape.is_empty() || self.shape.len() > MAX_RANK {
            return Err(LayoutError::Rank(self.shape.len()));
        }
        if self.shape.contains(&0) {
            return Err(LayoutError::Empty);
        }
        for dim in 0..self.shape.len() {
            let wholes = self.order.iter().filter(|factor| factor.dim == dim && factor.block.is_none()).count();
            let first = self.order.iter().find(|factor| factor.dim == dim);
            if wholes != 1 || first.is_none_or(|factor| factor.block.is_some()) {
                return Err(LayoutError::Order(dim));
            }
        }
        Ok(())
    }
}

/// Drops levels of one value and merges levels that continue each other; outermost first.
#[must_use]
pub fn simplified(levels: &[Level]) -> Vec<Level> {
    let mut merged: Vec<Level> = Vec::new();
    for &level in levels.iter().filter(|level| level.extent != 1) {
        match merged.last_mut() {
            Some(outer) if outer.bytes == level.bytes * level.extent && outer.tiles == level.tiles * level.extent => {
                *outer = Level { extent: outer.extent * level.extent, ..level };
            }
            _ => merged.push(level),
        }
    }
    merged
}
