//! PNG of squares, black on white: what a QR code needs.

use png::{BitDepth, ColorType, Encoder};

/// A picture of `side` by `side` squares of `scale` pixels; `is_dark` tells of column and row.
pub fn squares(side: u32, scale: u32, is_dark: impl Fn(u32, u32) -> bool) -> Result<Vec<u8>, png::EncodingError> {
    let pixels = side * scale;
    let mut rows = Vec::new();
    for y in 0..side {
        let start = rows.len();
        for byte in 0..pixels.div_ceil(8) {
            let bit = |at: u32| u8::from(!(byte * 8 + at < pixels && is_dark((byte * 8 + at) / scale, y)));
            rows.push((0..8).fold(0, |bits, at| bits << 1 | bit(at)));
        }
        let end = rows.len();
        for _ in 1..scale {
            rows.extend_from_within(start..end);
        }
    }
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, pixels, pixels);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&rows)?;
    writer.finish()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture() {
        // A dark square in the corner of four, three pixels each.
        let file = squares(2, 3, |x, y| (x, y) == (0, 0)).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut rows = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut rows).unwrap();
        assert_eq!(
            (info.width, info.height, info.color_type, info.bit_depth),
            (6, 6, ColorType::Grayscale, BitDepth::One)
        );
        let (dark, light) = (0b0001_1100, 0b1111_1100);
        let seen: Vec<u8> = rows.iter().map(|row| row & 0b1111_1100).collect();
        assert_eq!(seen, [dark, dark, dark, light, light, light]);
    }
}
