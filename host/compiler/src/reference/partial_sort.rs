//! The order in which the runtime's `std::partial_sort` leaves equals: that of libstdc++ (`bits/stl_algo.h`, `bits/stl_heap.h`), a heap of
//! the first ones that the others go through.

/// The places of the `count` greatest values, the greatest first; of one, the first of equals.
pub fn greatest(values: &[f32], count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..values.len()).collect();
    let count = count.min(places.len());
    if count == 1 {
        let better = |best: usize, at: usize| if values[at] > values[best] { at } else { best };
        return places.into_iter().reduce(better).into_iter().collect();
    }
    let (heap, rest) = places.split_at_mut(count);
    let mut heap = Heap { places: heap, values };
    for parent in (0..count / 2).rev() {
        heap.sift(parent, count, heap.places[parent]);
    }
    for place in rest.iter_mut().filter(|_| count > 0) {
        if values[*place] > values[heap.places[0]] {
            heap.sift(0, count, *place);
        }
    }
    for last in (1..count).rev() {
        let place = heap.places[last];
        heap.places[last] = heap.places[0];
        heap.sift(0, last, place);
    }
    places.truncate(count);
    places
}

/// Places of values, each at most as great as the two below it in the tree.
struct Heap<'a> {
    places: &'a mut [usize],
    values: &'a [f32],
}

impl Heap<'_> {
    /// Puts a place into the heap below `top`, whose own is gone: smaller ones rise to the bottom, then it climbs up.
    fn sift(&mut self, top: usize, length: usize, place: usize) {
        let mut hole = top;
        while 2 * hole + 2 < length {
            let child = 2 * hole + 2;
            let child = if self.precedes(child, self.places[child - 1]) { child - 1 } else { child };
            self.places[hole] = self.places[child];
            hole = child;
        }
        if 2 * hole + 2 == length {
            self.places[hole] = self.places[length - 1];
            hole = length - 1;
        }
        while hole > top && self.precedes((hole - 1) / 2, place) {
            self.places[hole] = self.places[(hole - 1) / 2];
            hole = (hole - 1) / 2;
        }
        self.places[hole] = place;
    }

    /// Whether what stands at a node of the heap comes before a place in the order wanted.
    fn precedes(&self, node: usize, place: usize) -> bool {
        self.values[self.places[node]] > self.values[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_come_in_order() {
        let values: Vec<f32> = (0..50).map(|at| (at * 37 % 50) as f32).collect();
        for count in 0..=50 {
            let found: Vec<i32> = greatest(&values, count).into_iter().map(|at| values[at] as i32).collect();
            assert_eq!(found, (0..50).rev().take(count).collect::<Vec<_>>());
        }
        assert_eq!(greatest(&[], 3), [0; 0]);
    }

    #[test]
    fn equals_stand_as_the_runtime_leaves_them() {
        // By std::partial_sort of GCC 12's library.
        let cases: [(&[f32], &[usize]); 4] = [
            (&[1.0, 1.0, 1.0, 1.0], &[0, 1]),
            (&[2.0, 3.0, 3.0, 2.0, 3.0], &[4, 1, 2]),
            (&[5.0, 1.0, 5.0, 5.0, 1.0, 5.0, 5.0, 2.0, 5.0], &[3, 0, 6, 8, 2, 5]),
            (&[0.0; 7], &[3, 4, 1, 0, 5, 2, 6]),
        ];
        for (values, wanted) in cases {
            assert_eq!(greatest(values, wanted.len()), wanted);
        }
    }
}
