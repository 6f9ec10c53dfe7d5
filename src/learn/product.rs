//! Matrix products of plain arrays, split the same way for any number of threads, so that the bits are the same.

use gemm::Parallelism;
use rayon::prelude::*;

/// Rows of a product that one task computes.
const BLOCK: usize = 256;

/// A matrix in an array: the value at row `r` and column `c` is `values[r * row_stride + c * column_stride]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows of `columns` values, one after the other.
    pub(super) fn of_rows(values: &'a [f32], columns: usize) -> Matrix<'a> {
        Matrix { values, rows: values.len() / columns, columns, row_stride: columns, column_stride: 1 }
    }

    pub(super) fn transposed(self) -> Matrix<'a> {
        let Matrix { values, rows, columns, row_stride, column_stride } = self;
        Matrix { values, rows: columns, columns: rows, row_stride: column_stride, column_stride: row_stride }
    }

    /// The value at row and column `index`.
    pub(super) fn diagonal(&self, index: usize) -> f32 {
        self.values[index * (self.row_stride + self.column_stride)]
    }

    fn rows_from(self, first: usize, count: usize) -> Matrix<'a> {
        Matrix { values: &self.values[first * self.row_stride..], rows: count, ..self }
    }

    /// The product with another matrix, row by row, on the threads of the pool.
    pub(super) fn times(self, other: Matrix<'_>) -> Vec<f32> {
        let mut product = vec![0.0; self.rows * other.columns];
        product.par_chunks_mut(BLOCK * other.columns).enumerate().for_each(|(block, rows)| {
            let count = rows.len() / other.columns;
            multiply(self.rows_from(block * BLOCK, count), other, rows);
        });
        product
    }

    fn assert_inside(&self) {
        let last = (self.rows - 1) * self.row_stride + (self.columns - 1) * self.column_stride;
        assert!(last < self.values.len(), "a {}x{} matrix reaches {last}", self.rows, self.columns);
    }
}

/// `left` times `right` on this thread, stored row by row.
pub(super) fn multiply(left: Matrix<'_>, right: Matrix<'_>, product: &mut [f32]) {
    let (rows, columns, inner) = (left.rows, right.columns, left.columns);
    assert!(inner == right.rows && product.len() == rows * columns, "{rows}x{inner} times {}x{columns}", right.rows);
    if rows == 0 || columns == 0 || inner == 0 {
        product.fill(0.0);
        return;
    }
    left.assert_inside();
    right.assert_inside();
    // SAFETY: both factors were just found to lie inside their arrays, and the product has `rows * columns` values.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            product.as_mut_ptr(),
            1,
            columns as isize,
            false,
            left.values.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.values.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            0.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn products_of_views_agree_with_the_sum_over_products() {
        let (rows, inner, columns) = (BLOCK + 3, 5, 7);
        let left = Random::new(1).uniform_values(rows * inner, -1.0, 1.0);
        let right = Random::new(2).uniform_values(columns * inner, -1.0, 1.0);
        let product = Matrix::of_rows(&left, inner).times(Matrix::of_rows(&right, inner).transposed());
        for (index, value) in product.iter().enumerate() {
            let (row, column) = (index / columns, index % columns);
            let expected: f32 = (0..inner).map(|i| left[row * inner + i] * right[column * inner + i]).sum();
            assert!((value - expected).abs() < 1e-5, "({row}, {column}): {value} for {expected}");
        }
    }
}
