#pragma once

namespace ohmic::rl {

/// tabular: independent logits per decision. mlp: the decisions so far -> tanh -> logits. lstm: one
/// step per decision (Zoph, Le: "Neural architecture search with reinforcement learning", ICLR
/// 2017).
enum class PolicyKind { tabular, mlp, lstm };

}  // namespace ohmic::rl
