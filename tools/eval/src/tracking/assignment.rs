//! The cheapest way to give every row a column of its own: the Hungarian method with potentials.
//!
//! One row after the other is added along the cheapest alternating path (Jonker and Volgenant, "A
//! Shortest Augmenting Path Algorithm for Dense and Sparse Linear Assignment Problems", 1987).

/// The column of each row of `costs`; `None` for rows that are left over when there are fewer columns.
pub(crate) fn assign(costs: &[Vec<i64>]) -> Vec<Option<usize>> {
    let columns = costs.first().map_or(0, Vec::len);
    if columns < costs.len() {
        let transposed: Vec<Vec<i64>> =
            (0..columns).map(|column| costs.iter().map(|row| row[column]).collect()).collect();
        let mut assigned = vec![None; costs.len()];
        for (column, row) in assign(&transposed).into_iter().enumerate() {
            if let Some(row) = row {
                assigned[row] = Some(column);
            }
        }
        return assigned;
    }
    let mut solver = Solver {
        costs,
        row_potentials: vec![0; costs.len()],
        column_potentials: vec![0; columns],
        row_of: vec![None; columns],
    };
    (0..costs.len()).for_each(|row| solver.add(row));
    let mut assigned = vec![None; costs.len()];
    for (column, row) in solver.row_of.iter().enumerate() {
        if let Some(row) = *row {
            assigned[row] = Some(column);
        }
    }
    assigned
}

struct Solver<'c> {
    costs: &'c [Vec<i64>],
    row_potentials: Vec<i64>,
    column_potentials: Vec<i64>,
    row_of: Vec<Option<usize>>,
}

impl Solver<'_> {
    /// Gives `row` a column, moving others along the cheapest path to a free one.
    fn add(&mut self, row: usize) {
        let columns = self.column_potentials.len();
        // The cheapest way to each column, and the column before it on that way.
        let (mut distance, mut before) = (vec![i64::MAX; columns], vec![None; columns]);
        let mut is_done = vec![false; columns];
        let (mut at, mut from) = (row, None);
        let mut travelled = 0;
        let end = loop {
            for column in (0..columns).filter(|&column| !is_done[column]) {
                let reduced =
                    self.costs[at][column] - self.row_potentials[at] - self.column_potentials[column];
                if travelled + reduced < distance[column] {
                    (distance[column], before[column]) = (travelled + reduced, from);
                }
            }
            let open = (0..columns).filter(|&column| !is_done[column]);
            let next =
                open.min_by_key(|&column| distance[column]).expect("there are as many columns as rows");
            travelled = distance[next];
            is_done[next] = true;
            match self.row_of[next] {
                Some(row) => (at, from) = (row, Some(next)),
                None => break next,
            }
        };
        self.row_potentials[row] += travelled;
        for column in (0..columns).filter(|&column| is_done[column]) {
            let slack = travelled - distance[column];
            self.column_potentials[column] -= slack;
            if let Some(row) = self.row_of[column] {
                self.row_potentials[row] += slack;
            }
        }
        let mut column = end;
        while let Some(previous) = before[column] {
            self.row_of[column] = self.row_of[previous];
            column = previous;
        }
        self.row_of[column] = Some(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cheapest of all ways.
    fn cheapest(costs: &[Vec<i64>], row: usize, used: &mut Vec<usize>) -> i64 {
        let Some(line) = costs.get(row) else { return 0 };
        let free: Vec<usize> = (0..line.len()).filter(|column| !used.contains(column)).collect();
        let ways = free.into_iter().map(|column| {
            used.push(column);
            let cost = line[column] + cheapest(costs, row + 1, used);
            used.pop();
            cost
        });
        ways.min().unwrap_or(0)
    }

    #[test]
    fn no_way_is_cheaper() {
        let mut state = 5u32;
        let mut random = move |bound: u32| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state % bound
        };
        for _ in 0..400 {
            let rows = 1 + random(5) as usize;
            let columns = rows + random(3) as usize;
            let mut row = || (0..columns).map(|_| i64::from(random(20)) - 10).collect::<Vec<_>>();
            let costs: Vec<Vec<i64>> = (0..rows).map(|_| row()).collect();
            let assigned = assign(&costs);
            let total: i64 = assigned.iter().zip(&costs).map(|(column, row)| row[column.unwrap()]).sum();
            assert_eq!(total, cheapest(&costs, 0, &mut Vec::new()), "{costs:?}");
            let transposed: Vec<Vec<i64>> =
                (0..columns).map(|column| costs.iter().map(|row| row[column]).collect()).collect();
            let pairs = assign(&transposed);
            assert_eq!(pairs.iter().flatten().count(), rows);
            let total: i64 =
                pairs.iter().zip(&transposed).filter_map(|(row, costs)| Some(costs[(*row)?])).sum();
            assert_eq!(total, cheapest(&costs, 0, &mut Vec::new()), "transposed {costs:?}");
        }
        assert!(assign(&[]).is_empty());
        assert_eq!(assign(&[vec![], vec![]]), [None, None]);
    }
}
