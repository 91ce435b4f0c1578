//! What is verified.

use super::super::error::AuthError;
use super::super::store::codes::Slot;

/// `type` of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Signup,
    Invite,
    Recovery,
    MagicLink,
    EmailChange,
    /// A code of a sign-up or of a sign-in, whichever was sent.
    Email,
    Sms,
    PhoneChange,
}

impl Kind {
    pub(super) fn read(text: Option<&str>) -> Result<Self, AuthError> {
        match text.unwrap_or_default() {
            "" => Err(AuthError::invalid("Verify requires a verification type")),
            "signup" => Ok(Self::Signup),
            "invite" => Ok(Self::Invite),
            "recovery" => Ok(Self::Recovery),
            "magiclink" => Ok(Self::MagicLink),
            "email_change" => Ok(Self::EmailChange),
            "email" => Ok(Self::Email),
            "sms" => Ok(Self::Sms),
            "phone_change" => Ok(Self::PhoneChange),
            _ => Err(AuthError::invalid("Unsupported verification type")),
        }
    }

    /// Where the digest of its code is.
    pub(super) fn slots(self) -> &'static [Slot] {
        match self {
            Self::Signup | Self::Invite | Self::Sms => &[Slot::Confirmation],
            Self::Recovery | Self::MagicLink => &[Slot::Recovery],
            Self::EmailChange => &[Slot::EmailChangeCurrent, Slot::EmailChangeNew],
            Self::Email => &[Slot::Confirmation, Slot::Recovery],
            Self::PhoneChange => &[Slot::PhoneChange],
        }
    }

    /// The columns of the address or number that the code was sent to.
    pub(super) fn columns(self) -> &'static [&'static str] {
        match self {
            Self::EmailChange => &["email", "email_change"],
            Self::Sms => &["phone"],
            Self::PhoneChange => &["phone_change"],
            _ => &["email"],
        }
    }

    pub(super) fn is_by_phone(self) -> bool {
        matches!(self, Self::Sms | Self::PhoneChange)
    }
}
