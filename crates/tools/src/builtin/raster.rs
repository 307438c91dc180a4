//! Pictures of lines (SVG) drawn as pictures of dots (PNG).

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{FontResolver, Options, Tree, fontdb::Database},
};

/// Dots for each unit of length, as screens have them.
const SCALE: f32 = 2.0;

/// Why a picture was not drawn.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RasterError {
    #[error("no font of this machine can write '{0}'")]
    NoFont(char),
    #[error("{0}")]
    Broken(String),
}

/// The font that comes with this program, then those of the machine: other scripts than Latin, Greek and Cyrillic are
/// written where it has a font for them.
static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_data(notosans::REGULAR_TTF.to_vec());
    fonts.load_system_fonts();
    fonts.set_sans_serif_family("Noto Sans");
    fonts.set_serif_family("Noto Sans");
    Arc::new(fonts)
});

/// The PNG of an SVG of ours.
pub fn png(svg: &str) -> Result<Vec<u8>, RasterError> {
    draw(svg, Arc::clone(&FONTS))
}

fn draw(svg: &str, fontdb: Arc<Database>) -> Result<Vec<u8>, RasterError> {
    let unknown = Mutex::new(None);
    let usual = FontResolver::default_fallback_selector();
    let mut options = Options { fontdb, ..Options::default() };
    options.font_resolver.select_fallback = Box::new(|letter, tried, fonts| {
        let found = usual(letter, tried, fonts);
        if found.is_none() && !letter.is_whitespace() && !letter.is_control() {
            unknown.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(letter);
        }
        found
    });
    let tree = Tree::from_str(svg, &options).map_err(|error| RasterError::Broken(error.to_string()))?;
    drop(options);
    if let Some(letter) = unknown.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(RasterError::NoFont(letter));
    }
    let size = tree.size().to_int_size().scale_by(SCALE);
    let dots = size.and_then(|size| Pixmap::new(size.width(), size.height()));
    let mut dots = dots.ok_or_else(|| RasterError::Broken("the picture has no size".into()))?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut dots.as_mut());
    dots.encode_png().map_err(|error| RasterError::Broken(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> String {
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 20" width="60" height="20" font-family="system-ui, sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/><text x="2" y="14" fill="#000">{text}</text></svg>"##
        )
    }

    fn ours() -> Arc<Database> {
        let mut fonts = Database::new();
        fonts.load_font_data(notosans::REGULAR_TTF.to_vec());
        fonts.set_sans_serif_family("Noto Sans");
        fonts.set_serif_family("Noto Sans");
        Arc::new(fonts)
    }

    #[test]
    fn letters_are_drawn_without_a_font_of_the_machine() {
        for (text, is_written) in [("Umsatz 2026 €", true), ("Выручка", true), ("", false)] {
            let dots = Pixmap::decode_png(&draw(&with(text), ours()).unwrap()).unwrap();
            assert_eq!((dots.width(), dots.height()), (120, 40));
            let dark = dots.pixels().iter().filter(|dot| dot.red() < 128).count();
            assert_eq!(dark > 50, is_written, "{text}: {dark} dark dots");
        }
    }

    #[test]
    fn a_letter_without_a_font_is_named() {
        assert_eq!(draw(&with("收入"), ours()), Err(RasterError::NoFont('收')));
        assert!(matches!(draw("<svg", ours()), Err(RasterError::Broken(_))));
    }
}
