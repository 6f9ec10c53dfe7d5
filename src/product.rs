//! Matrix products of plain arrays: the only place that calls the `gemm` crate.

use gemm::Parallelism;
use rayon::prelude::*;

/// Rows of a product that one task computes: the same for any number of threads, so that the bits are the same.
const BLOCK: usize = 256;

/// A matrix in an array: the value at row `r` and column `c` is `values[r * row_stride + c * column_stride]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows of `columns` values, one after the other.
    pub(crate) fn of_rows(values: &'a [f32], columns: usize) -> Matrix<'a> {
        Matrix { values, rows: values.len() / columns, columns, row_stride: columns, column_stride: 1 }
    }

    /// The first `columns` values of each of `rows` rows that begin `stride` values apart.
    pub(crate) fn part(values: &'a [f32], rows: usize, columns: usize, stride: usize) -> Matrix<'a> {
        Matrix { values, rows, columns, row_stride: stride, column_stride: 1 }
    }

    pub(crate) fn transposed(self) -> Matrix<'a> {
        let Matrix { values, rows, columns, row_stride, column_stride } = self;
        Matrix { values, rows: columns, columns: rows, row_stride: column_stride, column_stride: row_stride }
    }

    /// The value at row and column `index`.
    pub(crate) fn diagonal(&self, index: usize) -> f32 {
        self.values[index * (self.row_stride + self.column_stride)]
    }

    /// The values of a row whose columns are neighbours.
    pub(crate) fn row(self, row: usize) -> &'a [f32] {
        assert_eq!(self.column_stride, 1, "the values of a row are neighbours");
        &self.values[row * self.row_stride..][..self.columns]
    }

    /// Some rows.
    pub(crate) fn rows_from(self, first: usize, count: usize) -> Matrix<'a> {
        Matrix { values: &self.values[first * self.row_stride..], rows: count, ..self }
    }

    /// All columns but the first.
    pub(crate) fn columns_from(self, first: usize) -> Matrix<'a> {
        Matrix { values: &self.values[first * self.column_stride..], columns: self.columns - first, ..self }
    }

    /// The product with another matrix, row by row, on the threads of the pool.
    pub(crate) fn times(self, other: Matrix<'_>) -> Vec<f32> {
        let mut product = vec![0.0; self.rows * other.columns];
        product.par_chunks_mut(BLOCK * other.columns).enumerate().for_each(|(block, rows)| {
            let count = rows.len() / other.columns;
            multiply(self.rows_from(block * BLOCK, count), other, Product::of_rows(rows, other.columns));
        });
        product
    }
}

/// Where a product goes: the value at row `r` and column `c` to `values[r * row_stride + c * column_stride]`.
#[derive(Debug)]
pub(crate) struct Product<'a> {
    values: &'a mut [f32],
    row_stride: usize,
    column_stride: usize,
    adds: bool,
    scale: f32,
}

impl<'a> Product<'a> {
    /// Rows that begin `stride` values apart.
    pub(crate) fn of_rows(values: &'a mut [f32], stride: usize) -> Product<'a> {
        Product { values, row_stride: stride, column_stride: 1, adds: false, scale: 1.0 }
    }

    /// Columns that begin `stride` values apart.
    pub(crate) fn of_columns(values: &'a mut [f32], stride: usize) -> Product<'a> {
        Product { values, row_stride: 1, column_stride: stride, adds: false, scale: 1.0 }
    }

    /// Adds to the values.
    pub(crate) fn added(self) -> Product<'a> {
        Product { adds: true, ..self }
    }

    /// Multiplies the product by a number.
    pub(crate) fn scaled(self, scale: f32) -> Product<'a> {
        Product { scale, ..self }
    }
}

/// The values that an array must have for `rows` and `columns` at these distances.
fn reach(rows: usize, columns: usize, row_stride: usize, column_stride: usize) -> usize {
    (rows - 1) * row_stride + (columns - 1) * column_stride + 1
}

/// `left` times `right`, on this thread.
pub(crate) fn multiply(left: Matrix<'_>, right: Matrix<'_>, product: Product<'_>) {
    let (rows, columns, inner) = (left.rows, right.columns, left.columns);
    assert_eq!(inner, right.rows, "{rows}x{inner} times {}x{columns}", right.rows);
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(reach(rows, columns, product.row_stride, product.column_stride) <= product.values.len());
    if inner > 0 {
        assert!(reach(rows, inner, left.row_stride, left.column_stride) <= left.values.len());
        assert!(reach(inner, columns, right.row_stride, right.column_stride) <= right.values.len());
    }
    // SAFETY: both factors and the product were just found to lie inside their arrays; without inner values, neither factor
    // is read.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            product.values.as_mut_ptr(),
            product.column_stride as isize,
            product.row_stride as isize,
            product.adds,
            left.values.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.values.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            if product.adds { 1.0 } else { 0.0 },
            product.scale,
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
