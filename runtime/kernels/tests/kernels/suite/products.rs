//! Products of computed matrices.

use super::operands::Operands;
use super::oracle;
use super::random::Random;
use ocelli_kernels::*;

/// Products of matrices, the right one shared by all or not, as it is or transposed.
pub fn batch_matmul(cases: usize) -> usize {
    let mut random = Random(45);
    for _ in 0..cases {
        let batches = random.size();
        let p = BatchMatmulParameters {
            batches,
            right_batches: random.one_of(&[1, batches]),
            rows: random.size(),
            depth: random.one_of(&[1, 3, 8, 33]),
            columns: random.size(),
            right_transposed: random.below(2) == 1,
            left_zero_point: random.zero_point(),
            right_zero_point: random.zero_point(),
            output_zero_point: random.zero_point(),
            requantize: random.factor(-9),
        };
        let right = random.bytes(p.right_batches * p.depth * p.columns, 0);
        let [left, output] = [p.batches * p.rows * p.depth, p.batches * p.rows * p.columns];
        let mut operands = Operands::random(&mut random, left, output, 0);
        let Operands { input: left, output, .. } = &mut operands;
        p.check(left.all().len(), right.len(), output.all().len()).unwrap();
        batch_matmul_s8(&p, left.all(), &right, output.all());
        let expected = oracle::batch_matmul(&p, left.all(), &right);
        operands.compare(&expected, &p);
    }
    cases
}
