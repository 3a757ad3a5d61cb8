//! What a program or a protocol hangs on a socket or a server, and how it takes a socket over.

use super::{Context, Handles, Server, Socket};
use crate::event_loop::Extensions;

/// Writes the four methods that reach one value of each type.
macro_rules! data_methods {
    ($subject:ident, $of:literal, $get:ident, $get_mut:ident, $make:ident) => {
        impl $subject {
            #[doc = concat!("Hangs a value on the ", $of, " (`uv_handle_t.data`, a property in Node): one of each")]
            /// type, so that layers do not get in each other's way. Gives back the one it
            /// replaces; on a stale id the value is dropped. It goes when the id goes stale.
            pub fn set_data<S, T: 'static>(self, cx: &mut Context<S>, value: T) -> Option<T> {
                self.$make(cx)?.insert(value)
            }

            /// The value of this type.
            #[must_use]
            pub fn data<S, T: 'static>(self, cx: &Context<S>) -> Option<&T> {
                self.$get(cx)?.get()
            }

            /// The value of this type, to change it.
            #[must_use]
            pub fn data_mut<S, T: 'static>(self, cx: &mut Context<S>) -> Option<&mut T> {
                self.$get_mut(cx)?.get_mut()
            }

            /// Takes the value of this type off again.
            pub fn take_data<S, T: 'static>(self, cx: &mut Context<S>) -> Option<Box<T>> {
                self.$get_mut(cx)?.remove()
            }
        }
    };
}

data_methods! { Socket, "socket", extensions, extensions_mut, make_extensions }
data_methods! { Server, "server", extensions, extensions_mut, make_extensions }

impl Socket {
    fn extensions<S>(self, cx: &Context<S>) -> Option<&Extensions> {
        Some(&cx.connection(self.0)?.own.as_ref()?.extensions)
    }

    fn extensions_mut<S>(self, cx: &mut Context<S>) -> Option<&mut Extensions> {
        Some(&mut cx.connection_mut(self.0)?.own.as_mut()?.extensions)
    }

    fn make_extensions<S>(self, cx: &mut Context<S>) -> Option<&mut Extensions> {
        let connection = cx.connection_mut(self.0)?;
        Some(&mut connection.own.get_or_insert_default().extensions)
    }

    /// Forgets who listens to this socket, its server's listeners for all sockets included
    /// (`removeAllListeners`, for one socket): how a connection passes from one protocol to the
    /// next. Data no longer flows, as on a new socket (`readableFlowing = null`), until somebody
    /// listens to it again; a listener that runs meanwhile is the last to hear its event.
    pub fn remove_all_listeners<S>(self, cx: &mut Context<S>) -> Self {
        if let Some(connection) = cx.connection_mut(self.0) {
            connection.flowing = None;
            connection.detached = true;
            if let Some(own) = &mut connection.own {
                own.listeners.remove_all();
            }
        }
        self
    }
}

impl Server {
    fn extensions<S>(self, cx: &Context<S>) -> Option<&Extensions> {
        Some(&cx.server(self.0)?.extensions)
    }

    fn extensions_mut<S>(self, cx: &mut Context<S>) -> Option<&mut Extensions> {
        Some(&mut cx.server_mut(self.0)?.extensions)
    }

    fn make_extensions<S>(self, cx: &mut Context<S>) -> Option<&mut Extensions> {
        self.extensions_mut(cx)
    }
}
