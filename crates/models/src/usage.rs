//! Tokens, money and time of a model call.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::{Decimal, spec::Pricing};

/// Usage of one call or a sum of several. Serialises to the compatible API's 14 keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    pub prompt_tokens: u64,
    pub prompt_unit_price: Decimal,
    pub prompt_price_unit: Decimal,
    pub prompt_price: Decimal,
    pub completion_tokens: u64,
    pub completion_unit_price: Decimal,
    pub completion_price_unit: Decimal,
    pub completion_price: Decimal,
    pub total_tokens: u64,
    pub total_price: Decimal,
    pub currency: String,
    /// Seconds.
    pub latency: f64,
    pub time_to_first_token: Option<f64>,
    pub time_to_generate: Option<f64>,
    /// Part of the prompt the provider had in its cache.
    #[serde(skip)]
    pub cached_tokens: u64,
    /// Part of the completion that was reasoning.
    #[serde(skip)]
    pub reasoning_tokens: u64,
    /// Who answered, where that is not who was asked for.
    #[serde(skip)]
    pub served: Option<Box<Served>>,
}

/// How a call was answered otherwise than by the model it asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Served {
    pub provider: String,
    pub model: String,
    /// Why it was this one: `fallback`, `tier` or `hedge`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The name of the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// `hit` or `semantic`: nobody was asked, the answer was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<String>,
}

impl Default for Usage {
    fn default() -> Self {
        Self {
            prompt_tokens: 0,
            prompt_unit_price: Decimal::ZERO,
            prompt_price_unit: Decimal::ZERO,
            prompt_price: Decimal::ZERO,
            completion_tokens: 0,
            completion_unit_price: Decimal::ZERO,
            completion_price_unit: Decimal::ZERO,
            completion_price: Decimal::ZERO,
            total_tokens: 0,
            total_price: Decimal::ZERO,
            currency: "USD".to_owned(),
            latency: 0.0,
            time_to_first_token: None,
            time_to_generate: None,
            cached_tokens: 0,
            reasoning_tokens: 0,
            served: None,
        }
    }
}

impl Usage {
    /// Usage of a call with these tokens at this price; no price known means `0.0`.
    #[must_use]
    pub fn priced(prompt_tokens: u64, completion_tokens: u64, pricing: Option<&Pricing>) -> Self {
        let mut usage = Self {
            prompt_tokens,
            completion_tokens,
            total_tokens: prompt_tokens + completion_tokens,
            ..Self::default()
        };
        let Some(pricing) = pricing.map(|pricing| pricing.for_prompt(prompt_tokens)) else { return usage };
        usage.prompt_unit_price = pricing.input;
        usage.prompt_price_unit = pricing.unit;
        usage.prompt_price = Decimal::amount(prompt_tokens, pricing.input, pricing.unit);
        if let Some(output) = pricing.output {
            usage.completion_unit_price = output;
            usage.completion_price_unit = pricing.unit;
            usage.completion_price = Decimal::amount(completion_tokens, output, pricing.unit);
        }
        usage.total_price = usage.prompt_price + usage.completion_price;
        usage.currency.clone_from(&pricing.currency);
        usage
    }

    /// Prices the parts of the prompt that came out of the vendor's cache or went into it.
    pub(crate) fn cache(&mut self, cached: u64, written: u64, pricing: Option<&Pricing>) {
        self.cached_tokens = cached;
        let pricing = pricing.map(|pricing| pricing.for_prompt(self.prompt_tokens));
        let Some(pricing) = pricing.filter(|pricing| pricing.cached.is_some() || pricing.cache_write.is_some()) else {
            return;
        };
        let amount =
            |count, price: Option<Decimal>| Decimal::amount(count, price.unwrap_or(pricing.input), pricing.unit);
        let plain = self.prompt_tokens.saturating_sub(cached).saturating_sub(written);
        self.prompt_price = amount(plain, None) + amount(cached, pricing.cached) + amount(written, pricing.cache_write);
        self.total_price = self.prompt_price + self.completion_price;
    }

    /// The same for an answer that nobody was asked for: the tokens are told and cost nothing.
    #[must_use]
    pub fn free(&self) -> Self {
        Self {
            prompt_tokens: self.prompt_tokens,
            completion_tokens: self.completion_tokens,
            total_tokens: self.total_tokens,
            reasoning_tokens: self.reasoning_tokens,
            currency: self.currency.clone(),
            ..Self::default()
        }
    }

    /// Who answered, where that is not who was asked for.
    #[must_use]
    pub fn served_json(&self) -> Option<serde_json::Value> {
        self.served.as_ref().and_then(|served| serde_json::to_value(served).ok())
    }

    /// As JSON, with the wire's key order.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl AddAssign<&Self> for Usage {
    /// Sums tokens, prices and latency; unit prices and times are those of the later call.
    fn add_assign(&mut self, other: &Self) {
        let sum = Self {
            prompt_tokens: self.prompt_tokens + other.prompt_tokens,
            prompt_price: self.prompt_price + other.prompt_price,
            completion_tokens: self.completion_tokens + other.completion_tokens,
            completion_price: self.completion_price + other.completion_price,
            total_tokens: self.total_tokens + other.total_tokens,
            total_price: self.total_price + other.total_price,
            latency: self.latency + other.latency,
            cached_tokens: self.cached_tokens + other.cached_tokens,
            reasoning_tokens: self.reasoning_tokens + other.reasoning_tokens,
            time_to_first_token: other.time_to_first_token.or(self.time_to_first_token),
            time_to_generate: other.time_to_generate.or(self.time_to_generate),
            ..other.clone()
        };
        *self = sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_has_fourteen_keys_and_zero_is_written_as_upstream() {
        let json = Usage::default().to_json();
        let keys: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
        assert_eq!(
            keys,
            [
                "prompt_tokens",
                "prompt_unit_price",
                "prompt_price_unit",
                "prompt_price",
                "completion_tokens",
                "completion_unit_price",
                "completion_price_unit",
                "completion_price",
                "total_tokens",
                "total_price",
                "currency",
                "latency",
                "time_to_first_token",
                "time_to_generate"
            ]
        );
        assert_eq!(json["total_price"], "0.0");
        assert_eq!(json["latency"], 0.0);
        assert!(json["time_to_first_token"].is_null());
    }

    #[test]
    fn prices_are_those_of_the_reference_example() {
        let pricing = Pricing {
            input: "0.001".parse().unwrap(),
            output: Some("0.002".parse().unwrap()),
            unit: "0.001".parse().unwrap(),
            currency: "USD".into(),
            cached: None,
            cache_write: None,
            above: Vec::new(),
        };
        let usage = Usage::priced(33, 12, Some(&pricing));
        assert_eq!(usage.prompt_price.to_string(), "0.0000330");
        assert_eq!(usage.completion_price.to_string(), "0.0000240");
        assert_eq!(usage.total_price.to_string(), "0.0000570");
        let mut sum = usage.clone();
        sum += &usage;
        assert_eq!((sum.total_tokens, sum.total_price.to_string().as_str()), (90, "0.0001140"));

        // 10 plain, 20 from the cache, 3 into it.
        let pricing = Pricing {
            cached: Some("0.0001".parse().unwrap()),
            cache_write: Some("0.00125".parse().unwrap()),
            ..pricing
        };
        let mut usage = Usage::priced(33, 12, Some(&pricing));
        usage.cache(20, 3, Some(&pricing));
        assert_eq!(usage.prompt_price.to_string(), "0.0000158");
        assert_eq!(usage.total_price.to_string(), "0.0000398");
    }

    #[test]
    fn a_long_prompt_makes_all_its_tokens_dearer() {
        let pricing: Pricing = serde_json::from_value(serde_json::json!({
            "input": "3", "output": "15", "unit": "0.000001", "currency": "USD", "cached": "0.3",
            "above": [{"tokens": 200_000, "input": "6", "output": "22.5", "cached": "0.6"},
                      {"tokens": 500_000, "input": "12"}],
        }))
        .unwrap();
        // Tokens of the prompt, of them cached, and what 1000 tokens of answer make of it.
        for (prompt, cached, unit, expected) in [
            (200_000, 0, "3", "0.6150000"),
            (200_001, 0, "6", "1.2225060"),
            // What is cached counts for the length.
            (200_001, 200_000, "6", "0.1425060"),
            (500_001, 0, "12", "6.0150120"),
        ] {
            let mut usage = Usage::priced(prompt, 1000, Some(&pricing));
            usage.cache(cached, 0, Some(&pricing));
            assert_eq!(
                (usage.prompt_unit_price.to_string().as_str(), usage.total_price.to_string().as_str()),
                (unit, expected)
            );
        }
    }
}
