//! Values that programs and protocols hang on what the loop keeps.

use std::any::Any;

/// One value of each type (`uv_handle_t.data`, and a property of an object in Node).
///
/// Because each type has a place of its own, a protocol and the program that uses it do not get in
/// each other's way. Empty, it owns no memory.
#[derive(Default)]
pub struct Extensions(Vec<Box<dyn Any>>);

impl Extensions {
    /// Keeps a value; gives back the one of the same type that was there.
    pub fn insert<T: 'static>(&mut self, value: T) -> Option<T> {
        if let Some(place) = self.get_mut::<T>() {
            return Some(std::mem::replace(place, value));
        }
        self.0.reserve_exact(1); // mostly there is one, and there may be many handles
        self.0.push(Box::new(value));
        None
    }

    /// The value of this type.
    #[must_use]
    pub fn get<T: 'static>(&self) -> Option<&T> {
        self.0.iter().find_map(|value| value.downcast_ref())
    }

    /// The value of this type, to change it.
    #[must_use]
    pub fn get_mut<T: 'static>(&mut self) -> Option<&mut T> {
        self.0.iter_mut().find_map(|value| value.downcast_mut())
    }

    /// Gives the value of this type back, boxed as it was kept.
    pub fn remove<T: 'static>(&mut self) -> Option<Box<T>> {
        let place = self.0.iter().position(|value| value.is::<T>())?;
        self.0.remove(place).downcast().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_a_place_of_its_own() {
        let mut extensions = Extensions::default();
        assert_eq!(extensions.insert("text"), None);
        assert_eq!(extensions.insert(1u8), None);
        assert_eq!(extensions.insert(2u8), Some(1));
        *extensions.get_mut::<u8>().expect("kept") += 1;
        assert_eq!(extensions.get::<&str>(), Some(&"text"));
        assert_eq!(extensions.remove::<u8>(), Some(Box::new(3)));
        assert_eq!(extensions.get::<u8>(), None);
        assert_eq!(extensions.get::<&str>(), Some(&"text"));
    }
}
