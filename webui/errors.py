"""What can go wrong, in words a user can act on."""


class UserError(Exception):
    """A fault that the user can understand and put right.

    Its text is shown as it is: one sentence that says what happened and what to do.
    """


class TextError(UserError):
    """The text cannot be spoken."""


class SpeakerFileError(UserError):
    """A speaker file is broken, hostile, or does not fit together."""


class VoiceNotFoundError(UserError):
    """No voice has this id, or it belongs to another family."""


class FamilyNotFoundError(UserError):
    """No model family has this name, or its files are not there."""


class CheckpointError(UserError):
    """A model file is missing, damaged, or not a Bark checkpoint."""


class AudioFileError(UserError):
    """A recording cannot be read, or audio cannot be written."""


class RecipeError(UserError):
    """A file does not say how its speech was made."""


class CloneError(UserError):
    """No voice can be made of this recording in this way."""


class TrainingError(UserError):
    """No quantizer can be made in this way."""


class ProjectError(UserError):
    """A long text is not there, or cannot be changed or spoken in this way."""


class SettingsError(UserError):
    """A flag or an environment variable has an unusable value."""


class DownloadError(UserError):
    """A download stopped, or what came is not what was asked for."""


class StorageError(UserError):
    """A file cannot be written: no space, no permission, or the name is taken."""


class DeviceMemoryError(UserError):
    """The graphics card or the computer has too little free memory."""


class EngineError(UserError):
    """The process that computes ended before its work was done."""


class JobCancelled(Exception):
    """Unwinds a stage whose job was asked to stop: not an error, somebody pressed Stop."""
