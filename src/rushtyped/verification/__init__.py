"""Whether what is stored of a network keeps its promises, found out in small steps."""

from rushtyped.verification.findings import Finding, Problem
from rushtyped.verification.frame import findings_frame
from rushtyped.verification.verifier import Verifier

__all__ = ["Finding", "Problem", "Verifier", "findings_frame"]
